// The socket and the form of entries.
// Runs in: every process.
#include "gateway/base/journal.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

namespace stowage::log {

namespace {

/// "DEVICE:INODE" of what standard error was when systemd started us; it may have been redirected since.
bool goes_to_journal() {
    const auto* stream = std::getenv("JOURNAL_STREAM");
    struct stat info {};
    if (!stream || ::fstat(STDERR_FILENO, &info) != 0) return false;
    return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

/// Values are one line: what is not printable is escaped.
void append(std::string& entry, std::string_view name, std::string_view value) {
    entry += name;
    entry += '=';
    entry += escaped(value);
    entry += '\n';
}

std::string field_name(std::string_view key) {
    std::string name = "STOWAGE_";
    for (const char c : key)
        name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

}  // namespace

Fd connect_to_journal(const char* socket_path) {
    if (!goes_to_journal()) return Fd();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (std::strlen(socket_path) >= sizeof address.sun_path) return Fd();
    std::strcpy(address.sun_path, socket_path);
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return socket;
}

std::string journal_entry(Level level, std::string_view process, std::string_view event,
                          std::string_view message, std::initializer_list<Field> fields) {
    auto entry = fmt::format("PRIORITY={}\nSYSLOG_IDENTIFIER=stowage\n", static_cast<int>(level));
    entry += "MESSAGE=";
    entry += message;  // a log line: escaped as it is
    entry += '\n';
    append(entry, "STOWAGE_PROCESS", process);
    append(entry, "STOWAGE_EVENT", event);
    for (const auto& field : fields)
        append(entry, field_name(field.key), field.value);
    return entry;
}

bool send_to_journal(const Fd& socket, std::string_view entry) {
    if (!socket) return false;
    // write(2), not send(2): every process may do that, whatever its seccomp filter.
    return ::write(socket.get(), entry.data(), entry.size()) == static_cast<ssize_t>(entry.size());
}

}  // namespace stowage::log
