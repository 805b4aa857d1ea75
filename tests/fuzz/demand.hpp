// What fuzz targets share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace stowage::fuzz {

/// Ends the run, and the input is kept, when it does not hold.
inline void demand(bool holds) {
    if (!holds) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// The text up to the first line end is taken off: how an input holds several values.
inline std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

/// So many bytes are taken off; the missing ones are zero.
template <typename T>
T take_value(std::string_view& rest) {
    T value{};
    const auto size = rest.size() < sizeof value ? rest.size() : sizeof value;
    rest.copy(reinterpret_cast<char*>(&value), size);
    rest.remove_prefix(size);
    return value;
}

}  // namespace stowage::fuzz
