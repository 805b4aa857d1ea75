// Request targets: a path with one name in it at most, and a query.
// Runs in: controller. Distrusts: all of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::controller {

class Target {
  public:
    Target(std::string path, std::map<std::string, std::string, std::less<>> query)
        : path_(std::move(path)), query_(std::move(query)) {}

    /// True if the path is `pattern`, in which "{}" stands for one component; that is the name from then on.
    bool matches(std::string_view pattern);

    /// The name as a lab's or a user's: Code::invalid when it cannot be one.
    Result<std::string> lab() const;
    Result<std::string> user() const;
    /// The name as a session's number.
    Result<std::uint64_t> session() const;

    /// Empty when absent.
    std::string query(std::string_view key) const;
    /// Refuses every other key.
    Result<void> allow(std::initializer_list<std::string_view> keys) const;

  private:
    std::string path_, name_;
    std::map<std::string, std::string, std::less<>> query_;
};

/// Code::invalid for anything but a whole number from 0 to 2^64-1.
Result<std::uint64_t> parse_session_number(std::string_view text);

/// "192.0.2.1", "2001:db8::1" or "2001:db8::/64" as bans are kept (client_network()). Code::invalid.
Result<std::string> parse_banned(std::string_view text);

/// Code::invalid for anything but "/path[?key=value&…]". Nothing is percent-decoded: the names that are
/// allowed need no encoding, and "%" is in none of them.
Result<Target> parse_target(std::string_view text);

}  // namespace stowage::controller
