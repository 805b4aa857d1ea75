// The session ticket keys that front and workers share.
// Runs in: supervisor.
#pragma once

#include <deque>

#include "gateway/base/messages/children.hpp"
#include "gateway/base/result.hpp"

namespace stowage::supervisor {

/// The newest `message::ticket_keys_kept` keys, wiped when dropped. A TLS 1.2 client cannot be given a fresh
/// ticket within its connection, so old keys stay good for a day; what a ticket opens is bound to a live
/// session anyway.
class TicketKeys {
  public:
    TicketKeys() = default;
    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    /// Makes a new key from getrandom(2), drops the oldest, returns the new one. Throws Fatal without
    /// randomness.
    const message::TicketKey& rotate();
    /// Oldest first, so that a receiver who adds them in order ends with the newest.
    const std::deque<message::TicketKey>& all() const { return keys_; }

  private:
    std::deque<message::TicketKey> keys_;
};

}  // namespace stowage::supervisor
