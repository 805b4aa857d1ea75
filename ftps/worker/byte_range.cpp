// Two numbers.
// Runs in: worker.
#include "ftps/worker/byte_range.hpp"

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

}  // namespace stowage::ftps
