// OpenSSL on a non-blocking socket.
// Runs in: front. Distrusts: the peer.
#include "ftps/front/control_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "ftps/front/handshake_memory.hpp"
#include "ftps/protocol/tls_identity.hpp"
#include "ftps/protocol/tls_sessions.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

namespace {

bool would_block(int error_number) {
    return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

}  // namespace

ControlStream::ControlStream(asio::any_io_executor executor, Fd socket)
    : socket_(executor, socket.release()) {}

asio::awaitable<void> ControlStream::wait_for(Wait wait) {
    boost::system::error_code ignored;  // whoever waited tries again and sees what happened
    co_await socket_.async_wait(wait == Wait::write ? asio::posix::stream_descriptor::wait_write
                                                    : asio::posix::stream_descriptor::wait_read,
                                asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> ControlStream::wait_writable() {
    co_await wait_for(Wait::write);
}

Result<ControlStream::Wait> ControlStream::judge(int returned, std::string_view call) {
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return Wait::read;
        case SSL_ERROR_WANT_WRITE:
            return Wait::write;
        case SSL_ERROR_ZERO_RETURN:
            return Error{Code::cancelled, "the client closed the connection"};
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            return Error{Code::io, std::string(call) + ": the connection broke"};
        default:
            return Error{Code::protocol, std::string(call) + ": " + take_ssl_error()};
    }
}

asio::awaitable<Result<void>> ControlStream::start_tls(SSL_CTX* context, const message::Nonce& nonce) {
    ssl_.reset(SSL_new(context));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1)
        co_return Error{Code::internal, "SSL_new: " + take_ssl_error()};
    // OpenSSL would read on by itself behind a message that carries no data (KeyUpdate), as long as more are
    // there, and all other connections with it.
    SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
    TicketKeys::set_nonce(ssl_.get(), nonce);
    for (;;) {
        CO_TRY(const auto wait, shake_hands());
        if (wait == Wait::none) co_return Result<void>();
        co_await wait_for(wait);
    }
}

Result<ControlStream::Wait> ControlStream::shake_hands() {
    const HandshakeMemory memory;
    ERR_clear_error();
    const int returned = SSL_accept(ssl_.get());
    if (returned == 1) return Wait::none;
    if (!memory.has_refused()) return judge(returned, "TLS handshake");
    ERR_clear_error();
    return Error{Code::protocol, "TLS handshake: the client announced a message that is too large"};
}

Result<std::size_t> ControlStream::read_now(char* buffer, std::size_t size, Wait& wait) {
    wait = Wait::none;
    if (!ssl_) {
        const auto received = ::recv(socket_.native_handle(), buffer, size, 0);
        if (received > 0) return static_cast<std::size_t>(received);
        if (received == 0) return Error{Code::cancelled, "the client closed the connection"};
        if (!would_block(errno) && errno != EINTR) return system_error(errno, "recv");
        wait = Wait::read;
        return std::size_t{0};
    }
    ERR_clear_error();
    std::size_t received = 0;
    const int returned = SSL_read_ex(ssl_.get(), buffer, size, &received);
    if (returned == 1) return received;
    TRY(wait, judge(returned, "TLS read"));
    return std::size_t{0};
}

asio::awaitable<Result<std::size_t>> ControlStream::read_some(char* buffer, std::size_t size) {
    co_await turn_.next(socket_.get_executor());
    for (;;) {
        Wait wait = Wait::none;
        auto received = read_now(buffer, size, wait);
        if (!received || wait == Wait::none) co_return received;
        co_await wait_for(wait);
    }
}

void ControlStream::cork(bool on) {
    const int value = on;
    (void)::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

Result<std::size_t> ControlStream::write_now(std::string_view bytes) {
    // A ticket and the reply behind it are one segment: the client wakes up once.
    if (!ticket_queued_) return write_all_now(bytes);
    cork(true);
    auto sent = write_all_now(bytes);
    cork(false);
    return sent;
}

Result<std::size_t> ControlStream::write_all_now(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto rest = bytes.substr(sent);
        if (!ssl_) {
            const auto written = ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL);
            if (written < 0 && would_block(errno)) break;
            if (written < 0 && errno != EINTR) return system_error(errno, "send");
            sent += written > 0 ? static_cast<std::size_t>(written) : 0;
            continue;
        }
        ERR_clear_error();
        std::size_t written = 0;
        const int returned = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &written);
        if (returned != 1) {
            // Never waits for reading: renegotiation is off and TLS 1.3 has none.
            CHECK(judge(returned, "TLS write"));
            break;
        }
        sent += written;
        ticket_queued_ = false;
    }
    return sent;
}

void ControlStream::queue_ticket() {
    // OpenSSL would make every ticket that was ever asked for at the next write, all at once.
    if (!ssl_ || ticket_queued_ || SSL_version(ssl_.get()) != TLS1_3_VERSION) return;
    ticket_queued_ = SSL_new_session_ticket(ssl_.get()) == 1;
    ERR_clear_error();
}

void ControlStream::send_ticket_now() {
    queue_ticket();
    if (!ticket_queued_) return;
    ticket_queued_ = SSL_do_handshake(ssl_.get()) != 1;
    ERR_clear_error();
}

void ControlStream::close_sending() {
    if (ssl_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(socket_.native_handle(), SHUT_WR);
}

void ControlStream::shut_down() {
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
}

std::string_view ControlStream::server_name() const {
    const auto* name = ssl_ ? SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name) : nullptr;
    return name ? name : "";
}

std::uint16_t ControlStream::tls_version() const {
    return ssl_ ? static_cast<std::uint16_t>(SSL_version(ssl_.get())) : std::uint16_t{0};
}

Secret ControlStream::resumable_session() const {
    return session_without_ticket(ssl_.get());
}

}  // namespace stowage::ftps
