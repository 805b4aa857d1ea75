// Channel: packets on an Asio event loop, with a queue for what cannot be sent at once.
// Runs in: supervisor, front, worker, controller. Distrusts: the peer's pace; a queue over its cap is an
// error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "gateway/base/ipc.hpp"

namespace stowage::ipc {

/// One end of a SEQPACKET socket. One thread; at most one receive() at a time.
class Channel {
  public:
    /// @param most_queued how many packets may wait for a peer that does not read
    Channel(boost::asio::any_io_executor executor, Fd socket, std::size_t most_queued = max_queued);
    Channel(Channel&&) = default;
    Channel& operator=(Channel&&) = delete;
    ~Channel();

    /// The next packet. Code::cancelled when the peer is gone or close() was called. Suspends, never blocks;
    /// also now and then when there is more to read, so that a peer that never stops keeps nobody waiting.
    boost::asio::awaitable<Result<Packet>> receive();

    /// Sends now or queues. Code::unavailable when too many packets wait: the peer hangs. It has missed
    /// something then, so the channel is closed, and receive() answers Code::cancelled.
    template <typename M>
    Result<void> send(const M& m, std::vector<Fd> fds = {}, std::uint32_t id = 0) {
        static_assert(std::is_trivially_copyable_v<M>);
        return send_bytes({M::type, 0, id}, &m, sizeof(M), std::move(fds));
    }

    void close();
    bool is_open() const;

    static constexpr std::size_t max_queued = 20000;

  private:
    // Shared with suspended receive() and flush(): they may outlive the Channel that started them.
    struct State;

    Result<void> send_bytes(message::Header header, const void* body, std::size_t size, std::vector<Fd> fds);
    static boost::asio::awaitable<Result<Packet>> receive_from(std::shared_ptr<State> state);
    static boost::asio::awaitable<void> flush(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace stowage::ipc
