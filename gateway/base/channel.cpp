// The queue and the waits of Channel.
// Runs in: supervisor, front, worker, controller.
#include "gateway/base/channel.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "gateway/base/log.hpp"

namespace stowage::ipc {

namespace asio = boost::asio;

struct Channel::State {
    struct Outgoing {
        message::Header header;
        std::vector<char> body;
        std::vector<Fd> fds;
    };

    asio::posix::stream_descriptor socket;
    std::size_t most_queued;
    std::deque<Outgoing> queue = {};
    bool flushing = false;
    unsigned received_in_a_row = 0;
};

namespace {

// So many packets of one peer, then it is the others' turn.
constexpr unsigned most_in_a_row = 16;

std::vector<int> numbers_of(const std::vector<Fd>& fds) {
    std::vector<int> numbers;
    for (const auto& fd : fds)
        numbers.push_back(fd.get());
    return numbers;
}

}  // namespace

Channel::Channel(asio::any_io_executor executor, Fd socket, std::size_t most_queued)
    : state_(std::make_shared<State>(
          State{asio::posix::stream_descriptor(executor, socket.release()), most_queued})) {
    state_->socket.native_non_blocking(true);
}

Channel::~Channel() {
    if (state_) close();
}

bool Channel::is_open() const {
    return state_->socket.is_open();
}

void Channel::close() {
    boost::system::error_code ignored;
    state_->socket.close(ignored);
}

asio::awaitable<Result<Packet>> Channel::receive() {
    return receive_from(state_);
}

asio::awaitable<Result<Packet>> Channel::receive_from(std::shared_ptr<State> state) {
    if (++state->received_in_a_row > most_in_a_row) {
        state->received_in_a_row = 0;
        const auto executor = state->socket.get_executor();
        co_await asio::post(executor, asio::use_awaitable);
    }
    for (;;) {
        if (!state->socket.is_open()) co_return Error{Code::cancelled, "the channel is closed"};
        auto packet = ipc::receive(state->socket.native_handle());
        if (packet || packet.error().code != Code::unavailable) co_return packet;
        state->received_in_a_row = 0;
        boost::system::error_code failed;
        co_await state->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                          asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return Error{Code::cancelled, "the channel is closed"};
    }
}

Result<void> Channel::send_bytes(message::Header header, const void* body, std::size_t size,
                                 std::vector<Fd> fds) {
    if (!is_open()) return Error{Code::cancelled, "the channel is closed"};
    auto& queue = state_->queue;
    if (queue.empty()) {
        auto sent = ipc::send_bytes(state_->socket.native_handle(), header, body, size, numbers_of(fds));
        if (sent || sent.error().code != Code::unavailable) return sent;
    }
    if (queue.size() >= state_->most_queued) {
        log::error("peer_hangs", {{"unread_packets", queue.size()}});
        close();
        return Error{Code::unavailable, "the peer does not read its packets"};
    }
    const auto* bytes = static_cast<const char*>(body);
    queue.push_back({header, std::vector<char>(bytes, bytes + size), std::move(fds)});
    if (!state_->flushing) {
        state_->flushing = true;
        asio::co_spawn(state_->socket.get_executor(), flush(state_), asio::detached);
    }
    return {};
}

asio::awaitable<void> Channel::flush(std::shared_ptr<State> state) {
    auto& queue = state->queue;
    while (!queue.empty() && state->socket.is_open()) {
        auto& next = queue.front();
        auto sent = ipc::send_bytes(state->socket.native_handle(), next.header, next.body.data(),
                                    next.body.size(), numbers_of(next.fds));
        if (!sent && sent.error().code == Code::unavailable) {
            boost::system::error_code failed;
            co_await state->socket.async_wait(asio::posix::stream_descriptor::wait_write,
                                              asio::redirect_error(asio::use_awaitable, failed));
            if (failed) break;
            continue;
        }
        explicit_bzero(next.body.data(), next.body.size());
        queue.pop_front();
        if (!sent) break;  // the peer is gone: receive() tells
    }
    state->flushing = false;
}

}  // namespace stowage::ipc
