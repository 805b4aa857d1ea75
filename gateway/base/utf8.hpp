// UTF-8 (RFC 3629) among strangers' bytes.
// Runs in: CLI, controller. Distrusts: every byte.
#pragma once

#include <string>
#include <string_view>

namespace stowage {

/// Length of the sequence at the start of `text`, which is not empty, and its code point; 0 when it is not
/// valid.
std::size_t utf8_length(std::string_view text, char32_t& point);

/// The same text with every byte that is not part of a valid sequence written as \xNN: fit for JSON. Nothing
/// else is escaped.
std::string valid_utf8(std::string_view bytes);

}  // namespace stowage
