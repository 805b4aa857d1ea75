// A JSON reply, read field by field; what is missing or of another type is told by its place.
// Runs in: controller. Distrusts: everything in it.
#include "provisioning/runai/document.hpp"

#include <fmt/format.h>

#include <boost/json/parser.hpp>

#include "gateway/base/log.hpp"

namespace stowage::runai {
namespace {

constexpr std::string_view remedy =
    "is runai.url the Run:ai control plane itself, of a version between 2.20 and 2.24?";

std::string_view kind_name(const boost::json::value& value) {
    if (value.is_number()) return "a number";
    if (value.is_object()) return "an object";
    if (value.is_array()) return "an array";
    if (value.is_string()) return "a string";
    return value.is_bool() ? "a boolean" : "null";
}

}  // namespace

Result<boost::json::value> parse_json(std::string_view operation, std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = max_json_depth;
    boost::json::parser parser({}, options);
    boost::system::error_code error;
    parser.write(boost::json::string_view(text.data(), text.size()), error);
    if (error)
        return Error{Code::protocol,
                     fmt::format("{}: the reply is no JSON that we read: {}", operation, error.message()),
                     std::string(remedy)};
    return parser.release();
}

Error Place::wrong(std::string_view expected) const {
    return {Code::protocol,
            fmt::format("{}: {} of the reply is {} where {} belongs", operation_,
                        path_.empty() ? "the whole" : path_, kind_name(*value_), expected),
            std::string(remedy)};
}

Result<Place> Place::at(std::string_view key) const {
    TRY(auto place, maybe(key));
    if (place) return std::move(*place);
    return Error{
        Code::protocol,
        fmt::format("{}: {} of the reply lacks {}", operation_, path_.empty() ? "the whole" : path_, key),
        std::string(remedy)};
}

Result<std::optional<Place>> Place::maybe(std::string_view key) const {
    const auto* object = value_->if_object();
    if (object == nullptr) return wrong("an object");
    const auto* member = object->if_contains(boost::json::string_view(key.data(), key.size()));
    if (member == nullptr || member->is_null()) return std::optional<Place>();
    return std::optional(
        Place(*member, operation_, path_.empty() ? std::string(key) : path_ + '.' + std::string(key)));
}

Result<std::vector<Place>> Place::elements(std::size_t most) const {
    const auto* array = value_->if_array();
    if (array == nullptr) return wrong("an array");
    if (array->size() > most)
        return Error{Code::protocol,
                     fmt::format("{}: {} of the reply has {} elements, and we take {}", operation_,
                                 path_.empty() ? "the whole" : path_, array->size(), most),
                     std::string(remedy)};
    std::vector<Place> places;
    for (const auto& element : *array)
        places.push_back(Place(element, operation_, fmt::format("{}[{}]", path_, places.size())));
    return places;
}

Result<std::string> Place::text() const {
    const auto* string = value_->if_string();
    if (string == nullptr) return wrong("a string");
    return std::string(string->data(), string->size());
}

Result<bool> Place::boolean() const {
    const auto* flag = value_->if_bool();
    if (flag == nullptr) return wrong("a boolean");
    return *flag;
}

Result<std::int64_t> Place::integer() const {
    boost::system::error_code error;
    const auto number = value_->is_number() ? value_->to_number<std::int64_t>(error) : 0;
    if (!value_->is_number() || error) return wrong("a whole number");
    return number;
}

Result<double> Place::number() const {
    boost::system::error_code error;
    const auto number = value_->is_number() ? value_->to_number<double>(error) : 0;
    if (!value_->is_number() || error) return wrong("a number");
    return number;
}

Result<std::string> Place::id() const {
    if (value_->is_string()) {
        TRY(auto words, text());
        if (words.empty()) return wrong("an id");
        return words;
    }
    if (!value_->is_int64() && !value_->is_uint64()) return wrong("an id (a string or a whole number)");
    TRY(const auto number, integer());
    return std::to_string(number);
}

Result<std::string> Place::text_at(std::string_view key) const {
    TRY(const auto place, at(key));
    return place.text();
}

Result<std::string> Place::maybe_text_at(std::string_view key) const {
    TRY(const auto place, maybe(key));
    if (!place) return std::string();
    return place->text();
}

std::string Place::text_if(std::string_view key) const {
    auto text = maybe_text_at(key);
    return text ? std::move(*text) : std::string();
}

}  // namespace stowage::runai
