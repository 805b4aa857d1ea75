// Two numbers.
// Runs in: worker.
#include "ftps/worker/byte_range.hpp"

#include <fmt/format.h>

#include "ftps/worker/command_arguments.hpp"

namespace stowage::ftps {

Result<ByteRange> parse_byte_range(std::string_view argument) {
    const auto [first, second] = split_word(argument);
    const auto begin = parse_offset(first), last = parse_offset(second);
    if (!begin || !last)
        return Error{Code::usage, "RANG takes the first and the last byte, from 0 to 9223372036854775807",
                     "write RANG 0 499 for the first 500 bytes"};
    if (*last < *begin)
        return Error{Code::usage, "the range ends before it begins", "send RANG 1 0 to take a range back"};
    return ByteRange{*begin, *last + 1};
}

bool resets_byte_range(std::string_view argument) {
    return argument == "1 0";
}

Result<NamedRange> parse_named_range(std::string_view verb, std::string_view argument) {
    if (!argument.starts_with('"')) return NamedRange{std::string(argument), {}};
    TRY(const auto words, quoted_words(argument, 3));
    if (words.size() == 1) return NamedRange{words[0], {}};
    const auto begin = parse_offset(words[1]);
    const auto end = words.size() == 3 ? parse_offset(words[2]) : std::nullopt;
    if (!begin || !end || *end <= *begin)
        return Error{Code::usage, std::string(verb) + " takes a start and an end behind it, or neither",
                     fmt::format("write {} \"path\" 0 500 for the first 500 bytes", verb)};
    return NamedRange{words[0], ByteRange{*begin, *end}};
}

}  // namespace stowage::ftps
