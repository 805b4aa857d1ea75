// Asking the front whether a client's certificate verifies against its lab's CAs.
// Runs in: supervisor, which parses no certificates of clients. Distrusts: the front, which ended the
// client's TLS and could lie about it in any case.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "gateway/base/channel.hpp"
#include "gateway/base/messages/logins.hpp"

namespace stowage::supervisor {

class ClientChecks {
  public:
    explicit ClientChecks(boost::asio::io_context& io) : io_(io) {}

    /// The certificate's subject; Code::denied with the reason when it does not verify, or when the front
    /// does not answer in time.
    boost::asio::awaitable<Result<std::string>> ask(ipc::Channel& channel, std::uint64_t session,
                                                    std::string cas);
    /// One that comes too late is nobody's any more.
    void take(const message::ClientVerified& m);

  private:
    struct Waiting {
        explicit Waiting(boost::asio::io_context& io) : timer(io) {}
        boost::asio::steady_timer timer;
        bool answered = false;
        message::ClientVerified answer = {};
    };

    boost::asio::io_context& io_;
    std::map<std::uint64_t, std::shared_ptr<Waiting>> waiting_;
};

}  // namespace stowage::supervisor
