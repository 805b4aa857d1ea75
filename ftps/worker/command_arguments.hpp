// Arguments of commands, taken apart.
// Runs in: worker. Distrusts: every byte of an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct TwoWords {
    std::string first, rest;
};
/// Split at the first blank; without one, `rest` is empty.
TwoWords split_word(std::string_view text);

/// Decimal digits and nothing else, up to 2^63 - 1 (what a file offset can be); nothing for all others.
std::optional<std::uint64_t> parse_offset(std::string_view text);

/// Words between blanks. A word in double quotes may hold blanks, a doubled quote in it is one quote (RFC 959
/// appendix II). Code::usage for a quote without its end or amid a word, and for more than `most` words.
Result<std::vector<std::string>> quoted_words(std::string_view text, std::size_t most);

}  // namespace stowage::ftps
