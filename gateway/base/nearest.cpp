// Levenshtein's distance, one row at a time.
// Runs in: every process that reads a file people write.
#include "gateway/base/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace stowage {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto substituted = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

// The table grows with the product of both: a key of a megabyte resembles nothing.
constexpr std::size_t most = 200;

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
    const auto cut = word.substr(0, most);
    const auto closest = std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
        return edit_distance(a, cut) < edit_distance(b, cut);
    });
    return closest == known.end() ? std::string_view{} : *closest;
}

std::string_view resembling(std::string_view word, const std::vector<std::string_view>& known) {
    const auto closest = nearest(word, known);
    if (closest.empty() || word.size() > most) return {};
    const bool begins = word.size() > 1 && (word.starts_with(closest) || closest.starts_with(word));
    const auto allowed = std::max(word.size(), closest.size()) / 2;
    return begins || edit_distance(closest, word) <= allowed ? closest : std::string_view{};
}

}  // namespace stowage
