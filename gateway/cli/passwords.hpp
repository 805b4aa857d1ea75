// Passwords: made here or read from standard input, never from the command line.
// Runs in: CLI. Distrusts: what is typed.
#pragma once

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::cli {

/// The letters and digits of generated passwords: none that looks like another one in common typefaces.
inline constexpr std::string_view password_alphabet = "abcdefghjkmnpqrstuvwxyACDEFGHJKLMNPQRTUVWXY34679";
inline constexpr std::size_t password_length = 20;

/// 20 characters from getrandom(2), each equally likely: 111 bits.
Result<Secret> generate_password();

/// One line of standard input without its line end, 1 to 256 bytes, no control characters: FTP could not
/// carry them (RFC 959, 5.3.1). Asks on a terminal, and does not echo there. Blocks at most five minutes.
Result<Secret> read_password();

/// One line that was typed or piped, checked as by read_password().
Result<Secret> checked_password(Secret line);

}  // namespace stowage::cli
