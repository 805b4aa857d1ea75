// Remembering and forgetting.
// Runs in: supervisor.
#include "gateway/supervisor/recent_events.hpp"

#include <algorithm>

namespace stowage::supervisor {

std::size_t RecentEvents::add(std::string_view name, std::size_t tag, Clock::time_point now) {
    drop_old(now);
    const auto known = found_.find(name);
    if (known == found_.end()) {
        if (found_.size() >= most_names_) remove(by_age_.begin());
        by_age_.push_back({std::string(name), {}});
        found_.emplace(by_age_.back().name, std::prev(by_age_.end()));
    } else {
        by_age_.splice(by_age_.end(), by_age_, known->second);
    }
    auto& events = by_age_.back().events;
    if (events.size() >= most_each_) events.erase(events.begin());
    events.push_back({now, tag});
    return count(name, now);
}

std::size_t RecentEvents::count(std::string_view name, Clock::time_point now) const {
    const auto known = found_.find(name);
    if (known == found_.end()) return 0;
    const auto& events = known->second->events;
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [&](const Event& event) { return now - event.at < window_; }));
}

bool RecentEvents::has(std::string_view name, std::size_t tag, Clock::time_point now) const {
    const auto known = found_.find(name);
    if (known == found_.end()) return false;
    const auto& events = known->second->events;
    return std::any_of(events.begin(), events.end(),
                       [&](const Event& event) { return event.tag == tag && now - event.at < window_; });
}

void RecentEvents::forget(std::string_view name) {
    const auto known = found_.find(name);
    if (known != found_.end()) remove(known->second);
}

void RecentEvents::forget(std::string_view name, std::size_t tag) {
    const auto known = found_.find(name);
    if (known == found_.end()) return;
    auto& events = known->second->events;
    std::erase_if(events, [&](const Event& event) { return event.tag == tag; });
    if (events.empty()) remove(known->second);
}

void RecentEvents::clear() {
    found_.clear();
    by_age_.clear();
}

void RecentEvents::drop_old(Clock::time_point now) {
    while (!by_age_.empty() && now - by_age_.front().events.back().at >= window_)
        remove(by_age_.begin());
}

void RecentEvents::remove(Entries::iterator entry) {
    found_.erase(entry->name);
    by_age_.erase(entry);
}

}  // namespace stowage::supervisor
