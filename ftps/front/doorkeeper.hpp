// Who is let in: bans, limits per address, and the log of those who are not.
// Runs in: front. Distrusts: how many come, and from how many addresses.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "ftps/front/address_limit.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/line_limit.hpp"
#include "gateway/base/messages/logins.hpp"

namespace stowage::ftps {

/// What a connection holds while it lives.
struct Places {
    AddressLimit::Place connection;
    AddressLimit::Place login;  ///< until it is logged in
};

/// One thread. The bans are the supervisor's decision, which also refuses the logins of banned addresses:
/// turning them away here only saves the work.
class Doorkeeper {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Doorkeeper(const Config& config)
        : connections_(config.ftps.max_sessions_per_address), logins_(config.ftps.max_logins_per_address) {}

    /// The places of one more connection from `peer`, or why there are none, in words for the client.
    struct Entry {
        Places places;
        std::string refusal;  ///< empty: come in
    };
    Entry enter(const std::string& peer, Clock::time_point now);

    void put_ban(const message::PutBan& ban, Clock::time_point now);
    void lift_ban(const message::LiftBan& lift);

    /// One line in the log, if there are not too many already.
    void log_refusal(const std::string& peer, std::string_view why);

  private:
    AddressLimit connections_, logins_;
    std::map<std::string, Clock::time_point, std::less<>> banned_until_;  // as many as the supervisor keeps
    log::LineLimit refusals_{10};
};

}  // namespace stowage::ftps
