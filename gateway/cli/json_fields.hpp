// Optional fields of JSON objects, and JSON text that is safe on a terminal.
// Runs in: CLI. Distrusts: the presence and the type of every field.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stowage::cli {

/// A string; numbers and booleans in words; empty when absent or of another type.
std::string text_of(const boost::json::object& object, std::string_view key);
/// A number that is not negative; nothing when absent or of another type.
std::optional<std::uint64_t> known_number(const boost::json::object& object, std::string_view key);
/// The same, or `otherwise`.
std::uint64_t number_of(const boost::json::object& object, std::string_view key, std::uint64_t otherwise = 0);
bool flag_of(const boost::json::object& object, std::string_view key, bool otherwise = false);
/// Null when absent or of another type.
const boost::json::object* object_of(const boost::json::object& object, std::string_view key);
/// An empty array when absent or of another type.
const boost::json::array& list_of(const boost::json::object& object, std::string_view key);
/// The strings of an array (the "name" of objects in it), comma-joined.
std::string joined(const boost::json::array& values);
/// A point in time: seconds since 1970 as "2026-11-23 20:58 UTC", text as it is.
std::string moment_of(const boost::json::object& object, std::string_view key);

/// The same JSON with every character outside printable ASCII written as \uXXXX: a terminal that gets it
/// shows it and obeys none of it. `json` is valid UTF-8 JSON on one line.
std::string ascii_json(std::string_view json);

}  // namespace stowage::cli
