// Counting, delaying, banning.
// Runs in: supervisor.
#include "gateway/supervisor/login_throttle.hpp"

#include <algorithm>
#include <functional>

#include "gateway/base/identity.hpp"

namespace stowage::supervisor {

namespace {

constexpr std::chrono::hours familiar_for{30 * 24};
constexpr std::size_t familiar_networks = 16;
// Enough to reach the longest delay.
constexpr std::size_t counted_of_user = 16;

// Only compared for being the same; whoever wants two names to collide would have to choose the name of an
// existing account.
std::size_t tag_of(std::string_view text) {
    return std::hash<std::string_view>{}(text);
}

}  // namespace

LoginThrottle::Rules LoginThrottle::rules_of(const Config& config) {
    const auto& ftps = config.ftps;
    return {ftps.ban_after, ftps.ban_window, ftps.ban_time, ftps.max_login_delay, ftps.never_ban};
}

LoginThrottle::LoginThrottle(Rules rules)
    : rules_(std::move(rules)),
      by_address_(most_names, std::max<std::size_t>(rules_.ban_after, counted_of_user), rules_.window),
      by_user_(most_names, counted_of_user, rules_.window),
      familiar_(most_names, familiar_networks, familiar_for) {}

const Ban* LoginThrottle::ban_of(const std::string& network, Clock::time_point now) const {
    const auto found = bans_.find(network);
    return found != bans_.end() && now < found->second.until ? &found->second : nullptr;
}

std::size_t LoginThrottle::most_at_once(const std::string& network, Clock::time_point now) const {
    constexpr std::size_t without_bans = 16;
    if (rules_.ban_after == 0) return without_bans;
    const auto failures = by_address_.count(network, now);
    if (is_exempt(network)) return without_bans;
    return failures < rules_.ban_after ? rules_.ban_after - failures : 1;
}

LoginThrottle::Clock::duration LoginThrottle::delay_after(std::size_t failures) const {
    if (failures <= free_failures) return {};
    const auto doublings = std::min<std::size_t>(failures - free_failures - 1, 10);
    return std::min<Clock::duration>(std::chrono::seconds(1 << doublings), rules_.max_delay);
}

LoginThrottle::Verdict LoginThrottle::failed(const std::string& network, std::string_view user,
                                             Clock::time_point now) {
    const auto of_address = by_address_.add(network, tag_of(user), now);
    const auto of_user = by_user_.add(user, 0, now);
    Verdict verdict{delay_after(std::max(of_address, of_user)), nullptr};
    if (rules_.ban_after > 0 && of_address >= rules_.ban_after && !is_exempt(network) &&
        !ban_of(network, now))
        verdict.ban = begin_ban(network, user, now);
    return verdict;
}

LoginThrottle::Clock::duration LoginThrottle::succeeded(const std::string& network, std::string_view user,
                                                        Clock::time_point now) {
    const bool familiar = familiar_.has(user, tag_of(network), now);
    familiar_.forget(user, tag_of(network));
    familiar_.add(user, tag_of(network), now);
    by_address_.forget(network, tag_of(user));
    return familiar ? Clock::duration() : delay_after(by_user_.count(user, now));
}

const Ban* LoginThrottle::begin_ban(const std::string& network, std::string_view user,
                                    Clock::time_point now) {
    while (!by_end_.empty() && (by_end_.begin()->first <= now || bans_.size() >= most_bans))
        drop_ban(std::string(by_end_.begin()->second));
    drop_ban(network);
    const auto failures = static_cast<std::uint32_t>(by_address_.count(network, now));
    // It starts anew when the ban ends.
    by_address_.forget(network);
    auto& ban = bans_[network];
    ban = {network, now, now + rules_.ban_time, failures, std::string(user)};
    by_end_.emplace(ban.until, network);
    return &ban;
}

void LoginThrottle::drop_ban(const std::string& network) {
    const auto found = bans_.find(network);
    if (found == bans_.end()) return;
    by_end_.erase({found->second.until, network});
    bans_.erase(found);
}

std::vector<Ban> LoginThrottle::bans(Clock::time_point now) const {
    std::vector<Ban> holding;
    for (const auto& [network, ban] : bans_)
        if (now < ban.until) holding.push_back(ban);
    return holding;
}

bool LoginThrottle::forgive(const std::string& network, Clock::time_point now) {
    const bool held = ban_of(network, now) != nullptr;
    drop_ban(network);
    by_address_.forget(network);
    return held;
}

std::size_t LoginThrottle::forgive_all(Clock::time_point now) {
    const auto held = bans(now).size();
    bans_.clear();
    by_end_.clear();
    by_address_.clear();
    by_user_.clear();
    return held;
}

bool LoginThrottle::is_exempt(const std::string& network) const {
    return std::any_of(rules_.never_ban.begin(), rules_.never_ban.end(),
                       [&](const std::string& exempt) { return networks_overlap(exempt, network); });
}

}  // namespace stowage::supervisor
