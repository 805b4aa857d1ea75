// What a lab holds and may hold, in numbers and in words.
// Runs in: worker. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Limits of 0: none. What is not known is empty.
struct Usage {
    std::optional<message::QuotaBackend> backend;  ///< empty: nobody could be asked
    std::uint64_t limit_bytes = 0, limit_inodes = 0;
    std::optional<std::uint64_t> used_bytes, used_inodes;
    /// Of the whole filesystem, for those who are not root.
    std::optional<std::uint64_t> disk_free_bytes, disk_free_inodes;
    std::chrono::steady_clock::time_point taken_at{};  ///< the epoch: never
};

/// Room that a session has announced by ALLO, and how much of it has arrived.
struct Announced {
    std::uint64_t waiting = 0;  ///< for the next upload
    std::uint64_t running = 0;  ///< of the upload that runs
    std::uint64_t arrived = 0;  ///< of that

    std::uint64_t to_come() const { return waiting + (arrived < running ? running - arrived : 0); }
};

/// What is left, at least 0; empty where there is no limit, or its usage is not known.
std::optional<std::uint64_t> bytes_left(const Usage& usage);
std::optional<std::uint64_t> inodes_left(const Usage& usage);
/// What one upload may have: bytes_left(), but no more than the filesystem has. Empty when neither is known.
std::optional<std::uint64_t> bytes_available(const Usage& usage);

/// Refuses an upload of `bytes` more (0: of unknown size) that surely has no room. Code::over_quota or
/// Code::no_space, with the numbers and the remedy. What is not known does not refuse.
/// @param announced by others, and not yet counted in `usage`
Result<void> check_room(const Usage& usage, std::uint64_t bytes, std::uint64_t announced);

/// Code::over_quota and Code::no_space get the words for what really is full, with the numbers; any other
/// error stays. `grown`: bytes that the failed upload had written and that were taken back since.
Error explained(Error error, const Usage& usage, std::uint64_t grown);

/// " Little room is left: 90 % of its room are used, 1GiB are left.", and the same of files; from 80 % on,
/// else empty.
std::string warning(const Usage& usage);
/// The lines of SITE QUOTA; STAT shows them too.
std::vector<std::string> usage_lines(const Usage& usage);

}  // namespace stowage::ftps
