// Bans and limits at the door.
// Runs in: front.
#include "ftps/front/doorkeeper.hpp"

#include <fmt/format.h>

#include "gateway/base/counted.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

std::optional<std::uint64_t> RefusalLog::may_write(Clock::time_point now) {
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        written_ = 0;
    }
    if (written_ >= lines_per_second) {
        ++left_out_;
        return std::nullopt;
    }
    ++written_;
    return std::exchange(left_out_, 0);
}

Doorkeeper::Entry Doorkeeper::enter(const std::string& peer, Clock::time_point now) {
    const auto network = client_network(peer);
    const auto ban = banned_until_.find(network);
    if (ban != banned_until_.end() && now < ban->second) {
        const auto left = std::chrono::ceil<std::chrono::minutes>(ban->second - now).count();
        return {{},
                fmt::format("Too many refused logins from your address; try again in {}.",
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
    const auto left_out = refusals_.may_write(Clock::now());
    if (!left_out) return;
    log::info("connection_refused", {{"peer", peer}, {"why", why}, {"lines_left_out", *left_out}});
}

}  // namespace stowage::ftps
