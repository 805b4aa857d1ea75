// Words, numbers, quotes.
// Runs in: worker.
#include "ftps/worker/command_arguments.hpp"

#include <fmt/format.h>

#include <charconv>

namespace stowage::ftps {

namespace {

// What stands between quotes, `at` behind the first one; `at` is behind the last one afterwards.
std::optional<std::string> quoted_word(std::string_view text, std::size_t& at) {
    std::string word;
    for (; at < text.size(); ++at) {
        if (text[at] != '"') {
            word += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
            word += text[at++];
        } else {
            ++at;
            return word;
        }
    }
    return {};
}

}  // namespace

TwoWords split_word(std::string_view text) {
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) return {std::string(text), {}};
    return {std::string(text.substr(0, blank)), std::string(text.substr(blank + 1))};
}

std::optional<std::uint64_t> parse_offset(std::string_view text) {
    std::int64_t value = -1;
    const auto* last = text.data() + text.size();
    const auto [end, failed] = std::from_chars(text.data(), last, value);
    if (failed != std::errc{} || end != last || value < 0 || text.front() == '-') return {};
    return static_cast<std::uint64_t>(value);
}

Result<std::vector<std::string>> quoted_words(std::string_view text, std::size_t most) {
    std::vector<std::string> words;
    for (std::size_t at = 0;;) {
        at = text.find_first_not_of(' ', at);
        if (at == std::string_view::npos) return words;
        if (words.size() == most)
            return Error{Code::usage, fmt::format("more than {} names at once", most), "use fewer"};
        if (text[at] == '"') {
            auto word = quoted_word(text, ++at);
            const bool ends = word && (at == text.size() || text[at] == ' ');
            if (!ends) return Error{Code::usage, "a quote has no end", "write a quote inside a name twice"};
            words.push_back(std::move(*word));
            continue;
        }
        const auto end = std::min(text.find(' ', at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end;
    }
}

}  // namespace stowage::ftps
