// Refused logins: whose answers come late, and which addresses are banned.
// Runs in: supervisor. Distrusts: addresses and names, and how many of them there are. No clock and no input
// or output in here: the time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/supervisor/recent_events.hpp"

namespace stowage::supervisor {

/// An address, as client_network() has it, that is not let in.
struct Ban {
    using Clock = RecentEvents::Clock;
    std::string network;
    Clock::time_point since, until;
    std::uint32_t failures = 0;
    std::string user;  ///< the last name that was tried
};

/// Two defences that are not the same on purpose. Guesses from one address end in a **ban**, which hits
/// nobody but that address. Guesses at one user's password from many addresses only **delay** answers about
/// that name, by some seconds at most: were users locked out, any stranger could lock out any user by
/// guessing wrong. An address from which the user has logged in lately is not even delayed.
///
/// Names are counted as they were typed, whether there is such a user or not, so nobody learns from the delay
/// who exists. A delay is there after PAM, for right and wrong alike: whoever hangs up early and tries again
/// has been counted, and cannot tell "wrong" from "not yet".
class LoginThrottle {
  public:
    using Clock = RecentEvents::Clock;

    struct Rules {
        std::uint32_t ban_after = 10;  ///< 0: never
        Clock::duration window{}, ban_time{}, max_delay{};
        std::vector<std::string> never_ban = {};  ///< canonical
    };
    static Rules rules_of(const Config& config);

    /// Bounds of memory. Somebody who has more addresses than this (an IPv6 /48 is 65,536 of ours) pushes out
    /// what is known about the oldest ones; each of them then has ban_after guesses again, which is what it
    /// had to begin with, at one PAM attempt each.
    static constexpr std::size_t most_names = 16384, most_bans = 16384;
    /// Wrong answers that nobody is made to wait for.
    static constexpr std::size_t free_failures = 2;

    explicit LoginThrottle(Rules rules);

    /// The ban that holds now, or nullptr.
    const Ban* ban_of(const std::string& network, Clock::time_point now) const;

    /// How many attempts of this network may be under way at once: as many as it has guesses left before a
    /// ban, at least one. Otherwise a thousand parallel guesses would be through before the first is counted.
    std::size_t most_at_once(const std::string& network, Clock::time_point now) const;

    struct Verdict {
        Clock::duration delay{};
        const Ban* ban = nullptr;  ///< that has begun with this
    };
    /// A wrong password or an unknown user.
    Verdict failed(const std::string& network, std::string_view user, Clock::time_point now);
    /// The right password: how long the answer takes. Forgives this user's own failures from this address,
    /// not those with other names: an account of one's own is no licence to guess.
    Clock::duration succeeded(const std::string& network, std::string_view user, Clock::time_point now);

    /// Those that hold, by address.
    std::vector<Ban> bans(Clock::time_point now) const;
    /// Lifts the ban and forgets the failures behind it. False if there was no ban.
    bool forgive(const std::string& network, Clock::time_point now);
    /// Everything. Returns how many bans there were.
    std::size_t forgive_all(Clock::time_point now);

  private:
    bool is_exempt(const std::string& network) const;
    Clock::duration delay_after(std::size_t failures) const;
    void drop_ban(const std::string& network);
    const Ban* begin_ban(const std::string& network, std::string_view user, Clock::time_point now);

    Rules rules_;
    RecentEvents by_address_, by_user_;
    RecentEvents familiar_;  // by user: networks from which the right password came
    std::map<std::string, Ban, std::less<>> bans_;
    std::set<std::pair<Clock::time_point, std::string>> by_end_;  // of bans_, which of them ends first
};

}  // namespace stowage::supervisor
