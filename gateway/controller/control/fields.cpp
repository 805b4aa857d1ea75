// The checks of single fields.
// Runs in: controller.
#include "gateway/controller/control/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "gateway/base/log.hpp"
#include "gateway/base/nearest.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t most_shown_bytes = 80;
constexpr std::size_t most_text_bytes = 4096;
constexpr std::size_t most_elements = 10000;

}  // namespace

const json::value* Fields::take(std::string_view key) {
    known_.push_back(key);
    const auto* value = object_.if_contains(key);
    return value && !value->is_null() ? value : nullptr;
}

Error Fields::wrong(std::string_view key, const json::value& value, std::string_view expected) const {
    auto shown = json::serialize(value);
    if (shown.size() > most_shown_bytes) shown = shown.substr(0, most_shown_bytes) + "...";
    return {Code::invalid, fmt::format("{}: {} is not {}", name_of(key), log::escaped(shown), expected),
            fmt::format("give {} for {}", expected, name_of(key))};
}

Result<std::string> Fields::text(std::string_view key) {
    const auto* value = take(key);
    if (!value) return Error{Code::invalid, name_of(key) + " is missing", "give a text for " + name_of(key)};
    if (!value->is_string() || value->get_string().size() > most_text_bytes)
        return wrong(key, *value, "a text");
    return std::string(value->get_string());
}

Result<std::optional<std::string>> Fields::maybe_text(std::string_view key, std::size_t most_bytes) {
    const auto* value = take(key);
    if (!value) return std::optional<std::string>();
    if (!value->is_string() || value->get_string().size() > most_bytes)
        return wrong(key, *value, fmt::format("a text of at most {} bytes", most_bytes));
    return std::optional(std::string(value->get_string()));
}

Result<std::optional<Secret>> Fields::maybe_secret(std::string_view key) {
    const auto* value = take(key);
    if (!value) return std::optional<Secret>();
    // Its value is not shown, whatever it is.
    if (!value->is_string() || value->get_string().size() > most_text_bytes)
        return Error{Code::invalid, name_of(key) + " is not a text", "give a text for " + name_of(key)};
    return std::optional<Secret>(Secret(value->get_string()));
}

Result<std::optional<std::uint64_t>> Fields::maybe_number(std::string_view key) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto* value = take(key);
    if (!value) return std::optional<std::uint64_t>();
    // Boost.JSON makes an int64 of what fits into one, a uint64 of what only fits into that.
    const bool fits = value->is_int64() && value->get_int64() >= 0;
    if (!fits) return wrong(key, *value, fmt::format("a whole number from 0 to {}", most));
    return std::optional(static_cast<std::uint64_t>(value->get_int64()));
}

Result<std::optional<double>> Fields::maybe_decimal(std::string_view key) {
    const auto* value = take(key);
    if (!value) return std::optional<double>();
    boost::system::error_code error;
    const auto number = value->is_number() ? value->to_number<double>(error) : 0;
    if (!value->is_number() || error) return wrong(key, *value, "a number");
    return std::optional(number);
}

Result<std::optional<bool>> Fields::maybe_flag(std::string_view key) {
    const auto* value = take(key);
    if (!value) return std::optional<bool>();
    if (!value->is_bool()) return wrong(key, *value, "true or false");
    return std::optional(value->get_bool());
}

Result<const json::object*> Fields::maybe_object(std::string_view key) {
    const auto* value = take(key);
    const json::object* object = nullptr;
    if (!value) return object;
    object = value->if_object();
    if (object == nullptr) return wrong(key, *value, "an object");
    return object;
}

Result<std::optional<std::vector<std::string>>> Fields::maybe_texts(std::string_view key) {
    const auto* value = take(key);
    if (!value) return std::optional<std::vector<std::string>>();
    if (!value->is_array() || value->get_array().size() > most_elements)
        return wrong(key, *value, "a list of texts");
    std::vector<std::string> texts;
    for (const auto& element : value->get_array()) {
        if (!element.is_string() || element.get_string().size() > most_text_bytes)
            return wrong(key, element, "a list of texts");
        texts.emplace_back(element.get_string());
    }
    return std::optional(std::move(texts));
}

Result<std::vector<const json::object*>> Fields::objects(std::string_view key) {
    std::vector<const json::object*> objects;
    const auto* value = take(key);
    if (!value) return objects;
    if (!value->is_array() || value->get_array().size() > most_elements)
        return wrong(key, *value, "a list of objects");
    for (const auto& element : value->get_array()) {
        if (!element.is_object()) return wrong(key, element, "a list of objects");
        objects.push_back(&element.get_object());
    }
    return objects;
}

Result<void> Fields::finish() const {
    for (const auto& member : object_) {
        const std::string_view key = member.key();
        if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
        const auto meant = nearest(key, known_);
        return Error{
            Code::invalid,
            fmt::format("{} is not known", log::escaped(name_of(key.substr(0, most_shown_bytes)))),
            meant.empty() ? "leave it out" : fmt::format("did you mean {}? Otherwise leave it out", meant)};
    }
    return {};
}

}  // namespace stowage::controller
