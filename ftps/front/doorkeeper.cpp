// Bans and limits at the door.
// Runs in: front.
#include "ftps/front/doorkeeper.hpp"

#include <fmt/format.h>

#include "gateway/base/counted.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::ftps {

Doorkeeper::Entry Doorkeeper::enter(const std::string& peer, Clock::time_point now) {
    const auto network = client_network(peer);
    const auto ban = banned_until_.find(network);
    if (ban != banned_until_.end() && now < ban->second) {
        const auto left = std::chrono::ceil<std::chrono::minutes>(ban->second - now).count();
        return {{},
                fmt::format("Too many refused logins from your address; try again in {}, or ask the "
                            "administrator (`stowage bans clear`).",
                            counted(left, "minute"))};
    }
    if (ban != banned_until_.end()) banned_until_.erase(ban);
    Entry entry{{connections_.enter(network), {}}, {}};
    if (entry.places.connection) entry.places.login = logins_.enter(network);
    if (!entry.places.connection)
        entry.refusal = fmt::format(
            "Your address has {} connections, which is the limit of an address; close one and try again.",
            connections_.most());
    else if (!entry.places.login)
        entry.refusal = fmt::format(
            "Your address has {} connections without a login, which is the limit; log in, or try again "
            "later.",
            logins_.most());
    return entry;
}

void Doorkeeper::put_ban(const message::PutBan& ban, Clock::time_point now) {
    std::erase_if(banned_until_, [&](const auto& entry) { return entry.second <= now; });
    banned_until_[ban.network.str()] = now + std::chrono::seconds(ban.seconds);
}

void Doorkeeper::lift_ban(const message::LiftBan& lift) {
    if (lift.network.size == 0)
        banned_until_.clear();
    else
        banned_until_.erase(lift.network.str());
}

void Doorkeeper::log_refusal(const std::string& peer, std::string_view why) {
    log::write_limited(refusals_, log::Level::info, "connection_refused", {{"peer", peer}, {"why", why}});
}

}  // namespace stowage::ftps
