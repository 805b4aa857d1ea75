// JSON objects of requests, read field by field; what is not asked for is refused.
// Runs in: controller. Distrusts: the JSON.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::controller {

/// Borrows the object. All errors are Code::invalid and name the field, its value and what to do.
class Fields {
  public:
    /// @param place "labs[2]." for error texts; empty at the top
    Fields(const boost::json::object& object, std::string place)
        : object_(object), place_(std::move(place)) {}

    Result<std::string> text(std::string_view key);
    Result<std::optional<std::string>> maybe_text(std::string_view key, std::size_t most_bytes = 4096);
    Result<std::optional<Secret>> maybe_secret(std::string_view key);
    /// A whole number from 0 to 2^63-1.
    Result<std::optional<std::uint64_t>> maybe_number(std::string_view key);
    Result<std::optional<double>> maybe_decimal(std::string_view key);
    Result<std::optional<bool>> maybe_flag(std::string_view key);
    /// Null when the key is absent.
    Result<const boost::json::object*> maybe_object(std::string_view key);
    Result<std::optional<std::vector<std::string>>> maybe_texts(std::string_view key);
    /// An array of objects; none when the key is absent.
    Result<std::vector<const boost::json::object*>> objects(std::string_view key);

    /// Refuses every key that was not asked for above; names the nearest one that was.
    Result<void> finish() const;

    std::string name_of(std::string_view key) const { return place_ + std::string(key); }

  private:
    const boost::json::value* take(std::string_view key);
    Error wrong(std::string_view key, const boost::json::value& value, std::string_view expected) const;

    const boost::json::object& object_;
    std::string place_;
    std::vector<std::string_view> known_;
};

}  // namespace stowage::controller
