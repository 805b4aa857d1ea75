// Packets of a session on the event loop.
// Runs in: worker.
#include "ftps/worker/control_link.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <deque>
#include <mutex>
#include <new>
#include <utility>

#include "ftps/protocol/session_packets.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

struct ControlLink::State {
    explicit State(asio::posix::stream_descriptor socket_) : socket(std::move(socket_)) {}

    asio::posix::stream_descriptor socket;  // the main thread's, but for try_send()
    Secret tls_session = {};
    bool has_data = false;  // the session comes before all data or not at all

    // From here on by whoever has the mutex.
    std::mutex mutex = {};
    std::deque<std::string> waiting = {};
    std::size_t waiting_bytes = 0;
    bool flushing = false;
    bool over = false;  // nothing more is sent

    // On the main thread.
    void close() {
        const std::lock_guard lock(mutex);
        end();
    }
    // On the main thread, which has the mutex.
    void end() {
        over = true;
        boost::system::error_code ignored;
        socket.close(ignored);
    }
    // 1 sent, 0 would block, -1 the front is gone.
    int try_send(const std::string& packet) {
        for (;;) {
            if (::send(socket.native_handle(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >=
                0)
                return 1;
            if (errno == EINTR) continue;
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -1;
        }
    }
};

ControlLink::ControlLink(asio::any_io_executor executor, Fd socket)
    : state_(std::make_shared<State>(asio::posix::stream_descriptor(executor, socket.release()))) {}

ControlLink::~ControlLink() {
    close();
}

void ControlLink::close() {
    state_->close();
}

// Not in the coroutine, whose frame each idle session keeps: nothing is in `packet` while it waits.
std::optional<Result<std::string>> ControlLink::receive_now(State& state) {
    std::array<char, session_packet::max_payload + 1> packet;
    for (;;) {
        if (!state.socket.is_open()) return Error{Code::cancelled, "the session is closed"};
        const auto got =
            ::recv(state.socket.native_handle(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (got == 0) return Error{Code::cancelled, "the control connection is gone"};
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return system_error(errno, "recv from the front");
        if (got < 0) return std::nullopt;
        const auto size = static_cast<std::size_t>(got);
        const std::string_view there(packet.data(), std::min(size, packet.size()));
        const auto read = packet_from_front(there, size, state.has_data);
        if (!read) return read.error();
        if (read->is_session) {
            state.tls_session = Secret(read->payload);
            explicit_bzero(packet.data(), size);
            return std::string();
        }
        state.has_data = true;
        return std::string(read->payload);
    }
}

asio::awaitable<Result<std::string>> ControlLink::receive() {
    const auto state = state_;
    for (;;) {
        if (auto received = receive_now(*state)) co_return std::move(*received);
        boost::system::error_code failed;
        co_await state->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                          asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return Error{Code::cancelled, "the session is closed"};
    }
}

const Secret& ControlLink::tls_session() const {
    return state_->tls_session;
}

void ControlLink::send(std::string_view bytes) {
    while (!bytes.empty()) {
        queue(state_, session_packet::data, bytes.substr(0, session_packet::max_payload));
        bytes.remove_prefix(std::min(bytes.size(), session_packet::max_payload));
    }
}

void ControlLink::send_with_ticket(std::string_view bytes) {
    const auto first = bytes.substr(0, session_packet::max_payload);
    queue(state_, session_packet::ticket, first);
    send(bytes.substr(first.size()));
}

void ControlLink::send_ticket() {
    queue(state_, session_packet::ticket_alone, {});
}

void ControlLink::send_close() {
    queue(state_, session_packet::close, {});
}

void ControlLink::queue(const std::shared_ptr<State>& state, char kind, std::string_view payload) {
    std::string packet(1, kind);
    packet += payload;
    std::unique_lock lock(state->mutex);
    if (state->over) return;
    const int sent = state->waiting.empty() ? state->try_send(packet) : 0;
    if (sent > 0) return;
    state->waiting_bytes += packet.size();
    if (sent < 0 || state->waiting_bytes > max_queued_bytes) {
        state->over = true;
        asio::post(state->socket.get_executor(), [state] { state->close(); });
        return;
    }
    state->waiting.push_back(std::move(packet));
    if (std::exchange(state->flushing, true)) return;
    lock.unlock();
    try {
        asio::co_spawn(state->socket.get_executor(), flush(state), asio::detached);
    } catch (const std::bad_alloc&) {  // the next reply tries again
        lock.lock();
        state->flushing = false;
    }
}

/// False when nothing is left to send, or nobody to send it to: then the next one that waits is another
/// flush()'s, at once.
bool ControlLink::flush_now(State& state) {
    const std::lock_guard lock(state.mutex);
    while (!state.over && !state.waiting.empty()) {
        const int sent = state.try_send(state.waiting.front());
        if (sent == 0) return true;
        if (sent < 0) {
            state.end();
            break;
        }
        state.waiting_bytes -= state.waiting.front().size();
        state.waiting.pop_front();
    }
    return state.flushing = false;
}

asio::awaitable<void> ControlLink::flush(std::shared_ptr<State> state) {
    boost::system::error_code failed;
    while (flush_now(*state)) {
        co_await state->socket.async_wait(asio::posix::stream_descriptor::wait_write,
                                          asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return state->close();
    }
}

}  // namespace stowage::ftps
