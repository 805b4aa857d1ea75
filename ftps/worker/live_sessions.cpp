// The table of live control connections, and the wait for one that is about to be.
// Runs in: worker.
#include "ftps/worker/live_sessions.hpp"

namespace stowage::ftps {

void LiveSessions::enter(const message::Nonce& nonce, Owner owner) {
    {
        const std::lock_guard lock(mutex_);
        auto& count = counts_[owner];
        if (sessions_.try_emplace(nonce, Record{std::move(owner)}).second) ++count;
    }
    changed_.notify_all();
}

void LiveSessions::give(const message::Nonce& nonce, Secret tls_session) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = sessions_.find(nonce); found != sessions_.end())
            found->second.tls_session = std::move(tls_session);
    }
    changed_.notify_all();
}

void LiveSessions::leave(const message::Nonce& nonce) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = sessions_.find(nonce);
        if (found == sessions_.end()) return;
        const auto count = counts_.find(found->second.owner);
        if (--count->second == 0) counts_.erase(count);
        sessions_.erase(found);
    }
    changed_.notify_all();
}

bool LiveSessions::has_company(const message::Nonce& nonce) const {
    const std::lock_guard lock(mutex_);
    const auto* own = find(nonce);
    return own && counts_.at(own->owner) > 1;
}

void LiveSessions::wake() {
    // Under the lock, or a wait that is about to begin would miss it.
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
}

bool LiveSessions::may_resume(const Asker& asker, const message::Nonce& ticket) {
    std::unique_lock lock(mutex_);
    if (asker.own_only && ticket != asker.nonce) return false;
    do {
        const auto* own = find(asker.nonce);
        if (!own) return false;
        if (const auto* other = find(ticket)) return other->owner == own->owner;
    } while (wait(asker, lock));
    return false;
}

bool LiveSessions::offer(const Asker& asker, const std::function<bool(std::string_view der)>& offer) {
    std::unique_lock lock(mutex_);
    do {
        if (offer_known(asker, offer)) return true;
    } while (!asker.own_only && find(asker.nonce) && wait(asker, lock));
    return false;
}

bool LiveSessions::offer_known(const Asker& asker,
                               const std::function<bool(std::string_view der)>& offer) const {
    const auto* own = find(asker.nonce);
    if (!own) return false;
    const auto good = [&offer](const Record& record) {
        return !record.tls_session.empty() && offer(record.tls_session.reveal());
    };
    if (good(*own)) return true;
    if (asker.own_only) return false;
    for (const auto& [nonce, other] : sessions_)
        if (&other != own && other.owner == own->owner && good(other)) return true;
    return false;
}

// False when there is nothing more to wait for.
bool LiveSessions::wait(const Asker& asker, std::unique_lock<std::mutex>& lock) {
    if (asker.given_up && *asker.given_up) return false;
    return changed_.wait_until(lock, asker.patience) == std::cv_status::no_timeout;
}

const LiveSessions::Record* LiveSessions::find(const message::Nonce& nonce) const {
    const auto found = sessions_.find(nonce);
    return found == sessions_.end() ? nullptr : &found->second;
}

}  // namespace stowage::ftps
