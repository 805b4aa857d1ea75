// A JSON reply, read field by field; what is missing or of another type is told by its place.
// Runs in: controller. Distrusts: everything in it.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::runai {

/// Deeper replies are refused: Run:ai's deepest has about ten levels.
inline constexpr std::size_t max_json_depth = 32;
/// Of one list: a page holds a hundred, and nobody has so many clusters or users of one data source.
inline constexpr std::size_t max_elements = 10000;

/// Parses a reply. Code::protocol with the operation's name for bad JSON, invalid UTF-8 or too deep nesting.
Result<boost::json::value> parse_json(std::string_view operation, std::string_view text);

/// A place in a reply. Borrows the value: the reply must outlive it.
class Place {
  public:
    Place(const boost::json::value& value, std::string_view operation) : Place(value, operation, "") {}

    /// The member `key` of an object.
    Result<Place> at(std::string_view key) const;
    /// The same; nothing if it is absent or null.
    Result<std::optional<Place>> maybe(std::string_view key) const;
    Result<std::vector<Place>> elements(std::size_t most = max_elements) const;

    Result<std::string> text() const;
    Result<bool> boolean() const;
    Result<std::int64_t> integer() const;
    Result<double> number() const;
    /// A string or an integer, as decimal text: Run:ai sends ids either way.
    Result<std::string> id() const;

    const boost::json::value& json() const { return *value_; }

    Result<std::string> text_at(std::string_view key) const;
    /// The same; empty if absent or null.
    Result<std::string> maybe_text_at(std::string_view key) const;
    /// The same; empty for anything else, too: for what one can do without.
    std::string text_if(std::string_view key) const;

  private:
    Place(const boost::json::value& value, std::string_view operation, std::string path)
        : value_(&value), operation_(operation), path_(std::move(path)) {}
    Error wrong(std::string_view expected) const;

    const boost::json::value* value_;
    std::string_view operation_;
    std::string path_;
};

}  // namespace stowage::runai
