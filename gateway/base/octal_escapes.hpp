// Blanks and other bytes as \ooo, in mountinfo(5), exports(5) and etab.
// Runs in: root_step.
#pragma once

#include <string>
#include <string_view>

namespace stowage {

/// The text itself. What is no escape (fewer than three digits, more than a byte) stays as it is.
std::string without_octal_escapes(std::string_view text);

}  // namespace stowage
