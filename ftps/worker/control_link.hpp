// The worker's end of a session: plaintext of the control connection in packets from and to the front.
// Runs in: worker. Distrusts: the front's packets, and its pace.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::ftps {

/// session_packet's side of the worker. One thread, but for what sends; at most one receive() at a time.
class ControlLink {
  public:
    /// A client that does not read its replies loses the session when this much waits for it.
    static constexpr std::size_t max_queued_bytes = 4 * 1024 * 1024;

    ControlLink(boost::asio::any_io_executor executor, Fd socket);
    ControlLink(const ControlLink&) = delete;
    ControlLink& operator=(const ControlLink&) = delete;
    ~ControlLink();

    /// Bytes that the client sent; none when it was tls_session() that came. Code::cancelled when the control
    /// connection is gone or close() was called, Code::protocol for a packet that the front may not send.
    boost::asio::awaitable<Result<std::string>> receive();

    /// The TLS 1.2 session (DER) that the front sent for a client without tickets; empty if it sent none.
    const Secret& tls_session() const;

    /// Sends now or queues; in the order of the calls. Never blocks, never fails visibly: receive() tells.
    /// Any thread.
    void send(std::string_view bytes);
    /// The client gets a fresh session ticket before this.
    void send_with_ticket(std::string_view bytes);
    /// The client gets a fresh session ticket, and nothing to read.
    void send_ticket();
    /// The front closes the control connection after what was sent before.
    void send_close();
    void close();

  private:
    struct State;
    /// Nothing while there is no packet.
    static std::optional<Result<std::string>> receive_now(State& state);
    static void queue(const std::shared_ptr<State>& state, char kind, std::string_view payload);
    static bool flush_now(State& state);
    static boost::asio::awaitable<void> flush(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;  // a suspended receive() or flush() may outlive the link
};

}  // namespace stowage::ftps
