// What `stowage restore` saw on the disk and a restored database may not know: from it to the next start.
// Runs in: CLI (writes), controller (reads). Distrusts: the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage {

struct FoundOnDisk {
    struct Owner {
        std::uint32_t uid = 0;
        std::string lab;  ///< its directory's name; empty when that is no lab's name
    };
    std::vector<Owner> owners;         ///< of directories in labs.root, uids of labs alone
    std::uint16_t last_export_id = 0;  ///< the greatest that an export file bears; 0: there is none
};

/// Its place in the controller's folder.
inline constexpr std::string_view found_on_disk_file = "found-on-disk";

std::string to_text(const FoundOnDisk& found);
/// Code::config for anything that to_text() does not write.
Result<FoundOnDisk> found_on_disk_in(std::string_view text);

}  // namespace stowage
