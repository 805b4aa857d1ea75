// Plaintext between a logged-in client and its lab's worker.
// Runs in: front. Distrusts: both sides' pace; the worker's packets.
#include <sys/socket.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "ftps/front/control_session.hpp"
#include "ftps/front/front.hpp"
#include "ftps/protocol/reply.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto never = ControlSession::Clock::time_point::max();
// The worker's command loop does not wait for disks, so this is a hung process, not a slow one.
constexpr auto worker_stall_limit = 300s, closing_limit = 5s;

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

}  // namespace

asio::awaitable<void> ControlSession::relay(std::string pipelined) {
    using namespace asio::experimental::awaitable_operators;
    co_await (relay_upstream(std::move(pipelined)) && relay_downstream());
}

// Reads until the client is gone, so that its close is answered and its bytes never turn our close into a
// reset.
asio::awaitable<void> ControlSession::relay_upstream(std::string pipelined) {
    auto& scratch = front_.scratch();
    for (std::size_t at = 0; at < pipelined.size() && phase_ != Phase::closing;) {
        const auto size = pipelined.copy(scratch.data() + 1, session_packet::max_payload, at);
        at += size;
        if (!co_await hand_to_worker(size)) break;
    }
    for (;;) {
        const auto received = co_await stream_.read_some(scratch.data() + 1, session_packet::max_payload);
        if (!received) break;
        if (phase_ != Phase::closing && !co_await hand_to_worker(*received)) begin_closing();
    }
    stream_.close_sending();
    ::shutdown(worker_.native_handle(), SHUT_RDWR);
}

asio::awaitable<void> ControlSession::relay_downstream() {
    for (;;) {
        const auto packet = co_await packet_from_worker();
        if (!packet || packet->empty()) {
            if (phase_ != Phase::closing) {
                log::info("worker_gone",
                          {{"session", number_}, {"peer", peer_}, {"lab", reply_->lab.view()}});
                (void)co_await send(reply(421, "The service of this lab ended; connect again."));
            }
            break;
        }
        const char kind = packet->front();
        if (kind == session_packet::close) break;
        if (kind == session_packet::ticket) stream_.queue_ticket();
        if (kind == session_packet::ticket_alone) stream_.send_ticket_now();
        if (kind != session_packet::data && kind != session_packet::ticket) continue;
        if (packet->size() > 1 && !co_await send(packet->substr(1))) {
            stream_.shut_down();
            break;
        }
    }
    begin_closing();
}

void ControlSession::begin_closing() {
    if (phase_ == Phase::closing) return;
    phase_ = Phase::closing;
    set_limit(phase_limit, Clock::now() + closing_limit);
    stream_.close_sending();
    // So that the worker ends this session, and relay_downstream() with it.
    ::shutdown(worker_.native_handle(), SHUT_RDWR);
}

// Sends the scratch, in which `size` bytes stand behind one free byte.
asio::awaitable<Result<void>> ControlSession::hand_to_worker(std::size_t size) {
    auto& scratch = front_.scratch();
    scratch[0] = session_packet::data;
    const auto attempt = [this](std::string_view packet) {
        return ::send(worker_.native_handle(), packet.data(), packet.size(), MSG_NOSIGNAL) >= 0;
    };
    const std::string_view packet(scratch.data(), size + 1);
    if (attempt(packet)) co_return Result<void>();
    if (!would_block()) co_return system_error(errno, "session socket");
    const std::string waiting(packet);
    set_limit(upstream_limit, Clock::now() + worker_stall_limit);
    while (!attempt(waiting)) {
        if (!would_block()) co_return system_error(errno, "session socket");
        boost::system::error_code ignored;
        co_await worker_.async_wait(asio::posix::stream_descriptor::wait_write,
                                    asio::redirect_error(asio::use_awaitable, ignored));
    }
    set_limit(upstream_limit, never);
    co_return Result<void>();
}

// Empty at the worker's end. The view lies in the scratch: use it before the next suspension.
asio::awaitable<Result<std::string_view>> ControlSession::packet_from_worker() {
    co_await worker_turn_.next(worker_.get_executor());
    auto& scratch = front_.scratch();
    for (;;) {
        const auto received = ::recv(worker_.native_handle(), scratch.data(), scratch.size(), MSG_TRUNC);
        if (received > static_cast<ssize_t>(scratch.size()))
            co_return Error{Code::protocol, "a session packet larger than may be"};
        if (received >= 0) co_return std::string_view(scratch.data(), static_cast<std::size_t>(received));
        if (errno == EINTR) continue;
        if (!would_block()) co_return system_error(errno, "session socket");
        boost::system::error_code ignored;
        co_await worker_.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, ignored));
    }
}

}  // namespace stowage::ftps
