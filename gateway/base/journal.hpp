// systemd-journald's native protocol, so that `journalctl STOWAGE_LAB=lab1` finds what `lab=lab1` says.
// Runs in: every process; log::start() connects, before the root directory is given away. Distrusts: nothing.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/log.hpp"

namespace stowage::log {

/// A datagram socket to journald, if this process's standard error goes there (JOURNAL_STREAM,
/// systemd.exec(5)). Else, or when it cannot be reached, an empty one.
Fd connect_to_journal(const char* socket_path = "/run/systemd/journal/socket");

/// One entry: PRIORITY, MESSAGE, STOWAGE_PROCESS, STOWAGE_EVENT, and a STOWAGE_<KEY> for each field.
std::string journal_entry(Level level, std::string_view process, std::string_view event,
                          std::string_view message, std::initializer_list<Field> fields);

/// The same of a line that log::write() made in another process: `<6>process=… event=… key=value …`. Nothing
/// when it is none.
std::optional<std::string> journal_entry_of(std::string_view line);

/// Such a line, for a process whose standard error is not the journal's: into the journal with its fields, or
/// to our own standard error as it is.
void relay(std::string_view line);

/// True if it was taken. Never blocks: a full socket is a "no".
bool send_to_journal(const Fd& socket, std::string_view entry);

}  // namespace stowage::log
