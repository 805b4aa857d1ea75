// Counting connections per address.
// Runs in: front. Distrusts: how many come.
#include "ftps/front/address_limit.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace stowage::ftps {

AddressLimit::Place::Place(Place&& other) noexcept
    : limit_(std::exchange(other.limit_, nullptr)), key_(std::move(other.key_)) {}

AddressLimit::Place& AddressLimit::Place::operator=(Place&& other) noexcept {
    if (this == &other) return *this;
    leave();
    limit_ = std::exchange(other.limit_, nullptr);
    key_ = std::move(other.key_);
    return *this;
}

void AddressLimit::Place::leave() {
    if (!limit_) return;
    const auto entry = limit_->counts_.find(key_);
    if (entry != limit_->counts_.end() && --entry->second == 0) limit_->counts_.erase(entry);
    limit_ = nullptr;
}

AddressLimit::Place AddressLimit::enter(const std::string& key) {
    auto& count = counts_[key];
    if (count >= most_) return {};
    ++count;
    return {this, key};
}

namespace {

std::string text_of(int family, const void* bytes) {
    char text[INET6_ADDRSTRLEN] = {};
    return ::inet_ntop(family, bytes, text, sizeof text) ? text : "";
}

in6_addr ipv6_in(const sockaddr_storage& address) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    return v6.sin6_addr;
}

}  // namespace

std::string address_text(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, &address, sizeof v4);
        return text_of(AF_INET, &v4.sin_addr);
    }
    if (address.ss_family != AF_INET6) return "";
    const auto bytes = ipv6_in(address);
    if (IN6_IS_ADDR_V4MAPPED(&bytes)) return text_of(AF_INET, bytes.s6_addr + 12);
    return text_of(AF_INET6, &bytes);
}

}  // namespace stowage::ftps
