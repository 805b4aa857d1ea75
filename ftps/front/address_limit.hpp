// How many connections of one address may be waiting for their login.
// Runs in: front. Distrusts: clients that open many connections and say nothing.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace stowage::ftps {

/// A count per address; an IPv6 /64, which one client owns whole, is one address.
class AddressLimit {
  public:
    /// Above what parallel clients open at once (rclone: 64 transfers), far below ftps.max_sessions.
    static constexpr std::size_t max_waiting = 80;

    /// Held by a connection until it is logged in or gone.
    class Place {
      public:
        Place() = default;
        Place(AddressLimit* limit, std::string key) : limit_(limit), key_(std::move(key)) {}
        Place(Place&& other) noexcept;
        Place& operator=(Place&& other) noexcept;
        ~Place() { leave(); }
        void leave();
        explicit operator bool() const { return limit_ != nullptr; }

      private:
        AddressLimit* limit_ = nullptr;
        std::string key_;
    };

    /// A place, or an empty one when that address has enough.
    Place enter(const std::string& key);

  private:
    std::map<std::string, std::size_t> waiting_;
};

/// Numeric text, an IPv4-mapped address as plain IPv4. Empty for other families.
std::string address_text(const sockaddr_storage& address);
/// What AddressLimit counts by: the IPv4 address, or the IPv6 /64.
std::string network_of(const sockaddr_storage& address);

}  // namespace stowage::ftps
