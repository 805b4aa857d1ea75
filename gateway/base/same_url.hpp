// A URL, with or without the slash at its end.
// Runs in: every process that compares what people wrote.
#pragma once

#include <string_view>

namespace stowage {

inline bool is_same_url(std::string_view one, std::string_view other) {
    while (one.ends_with('/'))
        one.remove_suffix(1);
    while (other.ends_with('/'))
        other.remove_suffix(1);
    return one == other;
}

}  // namespace stowage
