// Guessing what somebody meant.
// Runs in: every process that reads a file people write.
#pragma once

#include <string_view>
#include <vector>

namespace stowage {

/// The known word with the smallest edit distance to `word`; empty when nothing is known.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// The same if somebody who meant it could have written `word`; else empty.
std::string_view resembling(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace stowage
