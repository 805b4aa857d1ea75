// Keeping the numbers of sessions.
// Runs in: supervisor.
#include "gateway/supervisor/session_table.hpp"

#include <fmt/format.h>

namespace stowage::supervisor {

std::uint32_t SessionTable::count(const Counts& counts, std::string_view name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
}

void SessionTable::decrement(Counts& counts, const std::string& name) {
    const auto found = counts.find(name);
    if (found != counts.end() && --found->second == 0) counts.erase(found);
}

std::optional<std::string> SessionTable::refusal(std::string_view user, std::string_view lab) const {
    if (const auto had = count(by_user_, user); had >= max_per_user_)
        return fmt::format("{} has {} sessions, which is the limit of a user; close one and try again.", user,
                           had);
    if (const auto had = count(by_lab_, lab); had >= max_per_lab_)
        return fmt::format("Lab {} has {} sessions, which is the limit of a lab; try again later.", lab, had);
    return std::nullopt;
}

bool SessionTable::add(std::uint64_t number, LoggedIn session) {
    const auto [place, is_new] = sessions_.emplace(number, std::move(session));
    if (!is_new) return false;
    ++by_user_[place->second.user];
    ++by_lab_[place->second.lab];
    return true;
}

void SessionTable::remove(std::uint64_t number) {
    const auto found = sessions_.find(number);
    if (found == sessions_.end()) return;
    decrement(by_user_, found->second.user);
    decrement(by_lab_, found->second.lab);
    sessions_.erase(found);
}

void SessionTable::clear() {
    sessions_.clear();
    by_user_.clear();
    by_lab_.clear();
}

const LoggedIn* SessionTable::find(std::uint64_t number) const {
    const auto found = sessions_.find(number);
    return found == sessions_.end() ? nullptr : &found->second;
}

std::vector<std::uint64_t> SessionTable::of_user(std::string_view user) const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, session] : sessions_)
        if (session.user == user) numbers.push_back(number);
    return numbers;
}

std::vector<std::pair<std::uint64_t, LoggedIn>> SessionTable::page(std::uint64_t after,
                                                                   std::size_t most) const {
    std::vector<std::pair<std::uint64_t, LoggedIn>> page;
    for (auto entry = sessions_.upper_bound(after); entry != sessions_.end() && page.size() < most; ++entry)
        page.push_back(*entry);
    return page;
}

}  // namespace stowage::supervisor
