// How much an archive may hold, and what came out of it.
// Runs in: worker.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace stowage::ftps {

/// Where a member is not what it may be, it is left out and counted; where an archive is more than it may be,
/// it is refused as a whole.
struct UnpackLimits {
    std::uint64_t members = 10'000'000;
    /// Of all files together, holes included. The lab's quota is the real bound; this one is for what no
    /// quota bounds.
    std::uint64_t bytes = 0;
    std::size_t path_bytes = 0;  ///< of a member's name, so that its whole path can be named
    bool into_root = false;      ///< then no member may be /.stowage

    /// For an archive of `archive_bytes` that goes to the directory `target`.
    static UnpackLimits for_archive(std::uint64_t archive_bytes, const std::string& target);
};

/// What came out of an archive.
struct Unpacked {
    enum LeftOut { specials, links_out, bad_names, taken_names, kinds };
    std::uint64_t files = 0, directories = 0, links = 0, bytes = 0;
    std::array<std::uint64_t, kinds> left_out{};
    std::string first_left_out;

    /// "3 members were left out: 1 device, fifo or socket, 2 links that lead out; the first was x/y"; or "".
    std::string omissions() const;
};

}  // namespace stowage::ftps
