// "1 file", "2 files".
// Runs in: every process.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace stowage {

/// A number with its noun. @param many where it is not `one` with an s
std::string counted(std::integral auto count, std::string_view one, std::string_view many = {}) {
    auto text = std::to_string(count) + ' ';
    text += count == 1 || many.empty() ? one : many;
    if (count != 1 && many.empty()) text += 's';
    return text;
}

}  // namespace stowage
