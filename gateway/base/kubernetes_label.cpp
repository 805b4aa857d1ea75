// The rules for keys and values of labels.
// Runs in: controller, CLI.
#include "gateway/base/kubernetes_label.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"

namespace stowage {

namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits, '-', '_', '.'; the ends are letters or digits; at most 63 bytes.
bool is_label_word(std::string_view text) {
    if (text.empty() || text.size() > 63 || !is_alnum(text.front()) || !is_alnum(text.back())) return false;
    for (const char c : text)
        if (!is_alnum(c) && c != '-' && c != '_' && c != '.') return false;
    return true;
}

bool is_label_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == key.npos) return is_label_word(key);
    return is_label_word(key.substr(0, slash)) && is_label_word(key.substr(slash + 1));
}

}  // namespace

Result<void> check_label(std::string_view key, std::string_view value) {
    if (!is_label_key(key))
        return Error{Code::invalid,
                     fmt::format("\"{}\" is no label key of Kubernetes", log::escaped(key.substr(0, 200))),
                     "use letters, digits, '-', '_' and '.', and one '/' at most, as in example.org/pool"};
    if (!is_label_word(value))
        return Error{
            Code::invalid,
            fmt::format("\"{}\" is no label value of Kubernetes", log::escaped(value.substr(0, 200))),
            "use letters, digits, '-', '_' and '.', at most 63"};
    return {};
}

}  // namespace stowage
