// Whose TLS session a data connection may resume: the control connections of the same user from the same
// address. Runs in: worker; sessions come and go on the main thread, handshakes ask on the transfer threads.
// Distrusts: tickets and session ids, whichever control connection they come from.
#pragma once

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "gateway/base/messages/basics.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::ftps {

/// Safe from several threads.
class LiveSessions {
  public:
    using Clock = std::chrono::steady_clock;

    struct Owner {
        std::string user;
        boost::asio::ip::address peer;
        bool operator==(const Owner&) const = default;
        bool operator<(const Owner& other) const {
            return std::tie(user, peer) < std::tie(other.user, other.peer);
        }
    };

    /// One data connection's question. curl and rclone mix the sessions of their parallel connections: what
    /// they offer may belong to a control connection that is still logging in, so an unknown one is waited
    /// for.
    struct Asker {
        message::Nonce nonce{};  ///< of its own control connection
        bool own_only = false;   ///< sessions of other control connections are no good
        Clock::time_point patience{};
        const std::atomic<bool>* given_up = nullptr;  ///< ends the wait, see wake()
    };

    void enter(const message::Nonce& nonce, Owner owner);
    /// The TLS 1.2 session (DER) of a client without tickets.
    void give(const message::Nonce& nonce, Secret tls_session);
    void leave(const message::Nonce& nonce);
    /// Whether another control connection of the same user from the same address is there.
    bool has_company(const message::Nonce& nonce) const;
    /// Ends the waits of those that have given up.
    void wake();

    /// Whether a ticket of the control connection `ticket` is good. Blocks up to the asker's patience when
    /// nobody is known to have it.
    bool may_resume(const Asker& asker, const message::Nonce& ticket);
    /// Calls `offer` with each session that may be resumed by its id until that answers true. Blocks as
    /// above.
    bool offer(const Asker& asker, const std::function<bool(std::string_view der)>& offer);

  private:
    struct Record {
        Owner owner;
        Secret tls_session = {};
    };

    const Record* find(const message::Nonce& nonce) const;
    bool offer_known(const Asker& asker, const std::function<bool(std::string_view der)>& offer) const;
    bool wait(const Asker& asker, std::unique_lock<std::mutex>& lock);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<message::Nonce, Record> sessions_;
    std::map<Owner, std::size_t> counts_;  // of an owner's sessions
};

}  // namespace stowage::ftps
