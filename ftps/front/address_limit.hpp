// How many connections one address may have, and have waiting for their login.
// Runs in: front. Distrusts: clients that open many connections and say nothing.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace stowage::ftps {

/// A count per address, as client_network() has it.
class AddressLimit {
  public:
    explicit AddressLimit(std::size_t most) : most_(most) {}

    /// Held by a connection as long as it counts.
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
    std::size_t most() const { return most_; }

  private:
    std::size_t most_;
    std::map<std::string, std::size_t> counts_;
};

/// Numeric text, an IPv4-mapped address as plain IPv4. Empty for other families.
std::string address_text(const sockaddr_storage& address);

}  // namespace stowage::ftps
