// RANG: the bytes of a file that the next command is about (draft-bryan-ftp-range-08).
// Runs in: worker. Distrusts: the numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// From `begin` up to, but without, `end`; begin < end. On the wire the end is the last byte itself.
struct ByteRange {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t size() const { return end - begin; }
};

/// "802816 1000000". Code::usage for anything else than two offsets of which the second is not smaller; the
/// caller deals with "1 0" before, which takes the range back.
Result<ByteRange> parse_byte_range(std::string_view argument);

/// True for "1 0".
bool resets_byte_range(std::string_view argument);

struct NamedRange {
    std::string path;
    std::optional<ByteRange> range;
};

/// XSHA256 and its like: "path", or with a range behind it: "path" start end, where the end is the first byte
/// that does not count. A name without quotes may hold blanks, so that it has no range.
/// @param verb for the words of an error
Result<NamedRange> parse_named_range(std::string_view verb, std::string_view argument);

}  // namespace stowage::ftps
