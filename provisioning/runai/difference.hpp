// One field that differs, for every kind of object.
// Runs in: controller.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stowage::runai {

/// One field that differs, in the API's name for it.
struct Difference {
    std::string field;
    std::string wanted, found;  ///< escaped for display
};

/// "path: wanted /mnt/nfs/lab1, found /srv; readOnly: wanted false, found true"
std::string to_string(const std::vector<Difference>& differences);

/// Adds the field if the two differ.
void compare(std::vector<Difference>& out, std::string_view field, std::string_view wanted,
             std::string_view found);

}  // namespace stowage::runai
