// One field that differs, for every kind of object.
// Runs in: controller.
#include "provisioning/runai/difference.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"

namespace stowage::runai {

std::string to_string(const std::vector<Difference>& differences) {
    std::string out;
    for (const auto& one : differences) {
        if (!out.empty()) out += "; ";
        out += fmt::format("{}: wanted {}, found {}", one.field, one.wanted, one.found);
    }
    return out;
}

void compare(std::vector<Difference>& out, std::string_view field, std::string_view wanted,
             std::string_view found) {
    if (wanted != found) out.push_back({std::string(field), log::escaped(wanted), log::escaped(found)});
}

}  // namespace stowage::runai
