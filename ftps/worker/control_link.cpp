// Packets of a session on the event loop.
// Runs in: worker.
#include "ftps/worker/control_link.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <deque>

#include "ftps/protocol/session_packets.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

struct ControlLink::State {
    asio::posix::stream_descriptor socket;
    std::deque<std::string> waiting = {};
    std::size_t waiting_bytes = 0;
    bool flushing = false;
    Secret tls_session = {};
    bool has_data = false;  // the session comes before all data or not at all

    void close() {
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
    : state_(std::make_shared<State>(State{asio::posix::stream_descriptor(executor, socket.release())})) {}

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

void ControlLink::send_ticket() {
    queue(state_, session_packet::ticket, {});
}
void ControlLink::send_close() {
    queue(state_, session_packet::close, {});
}

void ControlLink::queue(const std::shared_ptr<State>& state, char kind, std::string_view payload) {
    if (!state->socket.is_open()) return;
    std::string packet(1, kind);
    packet += payload;
    if (state->waiting.empty()) {
        const int sent = state->try_send(packet);
        if (sent < 0) state->close();
        if (sent != 0) return;
    }
    state->waiting_bytes += packet.size();
    if (state->waiting_bytes > max_queued_bytes) return state->close();
    state->waiting.push_back(std::move(packet));
    if (state->flushing) return;
    state->flushing = true;
    asio::co_spawn(state->socket.get_executor(), flush(state), asio::detached);
}

asio::awaitable<void> ControlLink::flush(std::shared_ptr<State> state) {
    while (!state->waiting.empty() && state->socket.is_open()) {
        const int sent = state->try_send(state->waiting.front());
        if (sent < 0) state->close();
        if (sent == 0) {
            boost::system::error_code failed;
            co_await state->socket.async_wait(asio::posix::stream_descriptor::wait_write,
                                              asio::redirect_error(asio::use_awaitable, failed));
            if (failed) break;
            continue;
        }
        if (state->waiting.empty()) break;
        state->waiting_bytes -= state->waiting.front().size();
        state->waiting.pop_front();
    }
    state->flushing = false;
}

}  // namespace stowage::ftps
