// OpenSSL on blocking sockets: no copy through BIO pairs, few system calls.
// Runs in: worker.
#include "ftps/worker/data_stream.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "ftps/protocol/tls_identity.hpp"

namespace stowage::ftps {

using namespace std::chrono_literals;

namespace {

// Records are gathered here, so that one system call moves many. OpenSSL's own read-ahead would do so for
// reading, but moves all that it holds with every record (ssl3_read_n): measured, it took a third more CPU
// per byte.
constexpr long gathered_bytes = 256 * 1024;
constexpr int handshake_timeout_ms = 10000;
// For the login of the control connection whose session was brought. Whoever stands in front of the right
// client can hold it up for as long as a handshake may take anyway.
constexpr std::chrono::seconds login_patience{5};
// What a peer may be silent for after it has acknowledged everything: some clients close only after the 226.
constexpr std::chrono::milliseconds silent_end{500};

const int admission_index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);

void limit_waits(int socket, int timeout_ms) {
    const timeval limit{timeout_ms / 1000, timeout_ms % 1000 * 1000};
    (void)::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

}  // namespace

const DataStream::Admission& DataStream::admission_of(SSL* ssl) {
    return *static_cast<const Admission*>(SSL_get_ex_data(ssl, admission_index));
}

DataStream::DataStream(std::shared_ptr<TlsContext> context, int socket, Admission admission, int timeout_ms)
    : context_(std::move(context)),
      socket_(socket),
      timeout_ms_(timeout_ms),
      admission_(std::move(admission)),
      ssl_(SSL_new(context_->context.get())) {
    // Whoever says nothing keeps the right client waiting behind it.
    limit_waits(socket, std::min(timeout_ms, handshake_timeout_ms));
    openssl::Bio in(BIO_new(BIO_f_buffer())), out(BIO_new(BIO_f_buffer()));
    // A BIO of this kind hands no keys to the kernel: wait_for_end() reads without OpenSSL, and a kernel that
    // decrypts answers EIO to that.
    openssl::Bio from(BIO_new_fd(socket, BIO_NOCLOSE));
    openssl::Bio to(BIO_new_socket(socket, BIO_NOCLOSE));
    if (!ssl_ || !in || !out || !from || !to || BIO_set_read_buffer_size(in.get(), gathered_bytes) != 1 ||
        BIO_set_write_buffer_size(out.get(), gathered_bytes) != 1)
        throw Fatal({Code::internal, "SSL_new: " + take_ssl_error()});
    SSL_set_bio(ssl_.get(), BIO_push(in.release(), from.release()), BIO_push(out.release(), to.release()));
    SSL_set_ex_data(ssl_.get(), admission_index, &admission_);
}

DataStream::~DataStream() = default;

void DataStream::offer_kernel() {
    SSL_set_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
}

// A peer that says a byte now and then ends no wait: OpenSSL goes on reading by itself until it has a record.
long DataStream::on_handshake_read(BIO* bio, int operation, const char*, std::size_t, int, long, int result,
                                   std::size_t*) {
    if (operation != BIO_CB_READ) return operation & BIO_CB_RETURN ? result : 1;
    auto& stream = *reinterpret_cast<DataStream*>(BIO_get_callback_arg(bio));
    const auto now = Clock::now();
    if (stream.silence_ && now >= stream.speaks_until_) stream.call_silence();
    if (now < stream.handshake_until_) {
        // GnuTLS, lftp's, sends the end of its handshake in two pieces, and Nagle holds the second until the
        // first was acknowledged: 40 ms later, if the kernel may wait.
        const int on = 1;
        (void)::setsockopt(stream.socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
        return 1;
    }
    BIO_clear_retry_flags(bio);
    errno = ETIMEDOUT;
    return -1;
}

DataStream::Handshake DataStream::accept() {
    auto* from = BIO_next(SSL_get_rbio(ssl_.get()));
    BIO_set_callback_ex(from, on_handshake_read);
    BIO_set_callback_arg(from, reinterpret_cast<char*>(this));
    const auto began = Clock::now();
    handshake_until_ = began + std::chrono::milliseconds(std::min(timeout_ms_, handshake_timeout_ms));
    speaks_until_ = began + patience_;
    // A lab whose clients need not resume has a certificate, and nothing to wait for.
    const bool needs_session = !SSL_CTX_get0_certificate(context_->context.get());
    admission_.asker.patience = LiveSessions::Clock::now() + (needs_session ? login_patience : 0s);
    int outcome = 0;
    do {
        ERR_clear_error();
        errno = 0;
        outcome = SSL_accept(ssl_.get());
    } while (outcome != 1 && (was_interrupted(outcome) || call_when_silent(outcome)));
    if (outcome == 1) {
        BIO_set_callback_ex(from, nullptr);
        limit_waits(socket_, timeout_ms_);
        return SSL_session_reused(ssl_.get()) ? Handshake::resumed : Handshake::full;
    }
    const int why = SSL_get_error(ssl_.get(), outcome);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || Clock::now() >= handshake_until_)
        return Handshake::timed_out;
    if (why != SSL_ERROR_SSL) return Handshake::failed;
    const auto reason = ERR_GET_REASON(ERR_peek_error());
    // How OpenSSL says that it would need a certificate: by version and by what the client offered.
    const bool no_certificate =
        reason == SSL_R_NO_SHARED_CIPHER || reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM ||
        reason == SSL_R_NO_CERTIFICATE_SET || reason == SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS;
    (void)::shutdown(socket_, SHUT_WR);  // the alert is to arrive before a reset may
    return no_certificate ? Handshake::refused : Handshake::failed;
}

void DataStream::when_silent(std::chrono::milliseconds patience, std::function<void()> call) {
    limit_waits(socket_, static_cast<int>(std::min<std::int64_t>(
                             patience.count(), std::min(timeout_ms_, handshake_timeout_ms))));
    silence_ = std::move(call);
    patience_ = patience;
}

bool DataStream::call_when_silent(int outcome) {
    if (!silence_ || errno != EAGAIN || SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ)
        return false;
    call_silence();
    return true;
}

void DataStream::call_silence() {
    std::exchange(silence_, nullptr)();
    limit_waits(socket_, std::min(timeout_ms_, handshake_timeout_ms));
}

// With a time limit on the socket, a stop and a continue (SIGSTOP, a debugger) end a wait early.
bool DataStream::was_interrupted(int outcome) const {
    if (errno != EINTR) return false;
    const int why = SSL_get_error(ssl_.get(), outcome);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

Error DataStream::broken(int outcome, const char* doing) const {
    const int saved = errno;
    switch (SSL_get_error(ssl_.get(), outcome)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return {Code::timeout, std::string("nothing moved on the data connection for ") +
                                       std::to_string(timeout_ms_ / 1000) + " s while " + doing};
        case SSL_ERROR_SSL:
            if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
                return {Code::protocol, "the data connection ended without TLS close_notify"};
            return {Code::protocol, "TLS on the data connection: " + take_ssl_error()};
        default:
            if (saved == EAGAIN) return {Code::timeout, "nothing moved on the data connection"};
            if (saved == 0) return {Code::protocol, "the data connection ended without TLS close_notify"};
            return {Code::protocol, std::string("the data connection broke: ") + strerrordesc_np(saved)};
    }
}

bool DataStream::has_more() const {
    return SSL_pending(ssl_.get()) > 0 || BIO_pending(SSL_get_rbio(ssl_.get())) > 0;
}

bool DataStream::has_something() const {
    if (has_more()) return true;
    pollfd waited{socket_, POLLIN, 0};
    return ::poll(&waited, 1, 0) > 0;
}

Result<std::size_t> DataStream::read(char* buffer, std::size_t size) {
    std::size_t have = 0;
    // Whatever already lies here is taken along: one write to the file for many records.
    do {
        ERR_clear_error();
        errno = 0;
        std::size_t got = 0;
        const int outcome = SSL_read_ex(ssl_.get(), buffer + have, size - have, &got);
        if (outcome != 1) {
            if (was_interrupted(outcome)) continue;
            // With bytes in hand the end, or the trouble, is met again by the next call.
            if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_ZERO_RETURN || have > 0) return have;
            return broken(outcome, "receiving");
        }
        have += got;
    } while (have == 0 || (have < size && has_more()));
    return have;
}

Result<void> DataStream::write(const char* bytes, std::size_t size) {
    CHECK(write_last(bytes, size));
    return flush();
}

Result<void> DataStream::write_last(const char* bytes, std::size_t size) {
    while (size > 0) {
        ERR_clear_error();
        errno = 0;
        std::size_t sent = 0;
        const int outcome = SSL_write_ex(ssl_.get(), bytes, size, &sent);
        if (outcome != 1 && was_interrupted(outcome)) continue;
        if (outcome != 1) return broken(outcome, "sending");
        bytes += sent;
        size -= sent;
    }
    return {};
}

Result<void> DataStream::flush() {
    for (;;) {
        errno = 0;
        const int outcome = static_cast<int>(BIO_flush(SSL_get_wbio(ssl_.get())));
        if (outcome == 1) return {};
        if (errno != EINTR) return broken(outcome, "sending");
    }
}

bool DataStream::kernel_sends() const {
    return BIO_get_ktls_send(SSL_get_wbio(ssl_.get())) != 0;
}

Result<std::size_t> DataStream::send_from(const Fd& file, std::uint64_t at, std::size_t most) {
    for (;;) {
        ERR_clear_error();
        errno = 0;
        const auto sent = SSL_sendfile(ssl_.get(), file.get(), static_cast<off_t>(at), most, 0);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno == EINTR) continue;
        // OpenSSL calls all that is not to be tried again "uninitialized"; errno knows better.
        const int why = errno;
        ERR_clear_error();
        errno = why;
        return broken(-1, "sending");
    }
}

Result<void> DataStream::send_end() {
    // Held back until shutdown(2): the last bytes, close_notify and the end of the stream are one segment.
    const int on = 1;
    (void)::setsockopt(socket_, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    auto sent = flush();
    (void)::shutdown(socket_, SHUT_WR);
    return sent;
}

Result<void> DataStream::wait_for_end() {
    auto moved = Clock::now();
    int unacknowledged = -1;
    bool answered = false;  // with its close_notify, which needs no reading
    std::array<char, 4096> discarded;
    for (;;) {
        pollfd waited{socket_, POLLIN, 0};
        const int ready = ::poll(&waited, 1, 20);
        if (ready > 0) {
            const auto got = ::recv(socket_, discarded.data(), discarded.size(), MSG_DONTWAIT);
            if (got == 0) return {};
            answered = answered || got > 0;
            if (got < 0 && errno != EAGAIN && errno != EINTR)
                return Error{Code::protocol,
                             std::string("the data connection broke: ") + strerrordesc_np(errno)};
        }
        int left = 0;
        if (::ioctl(socket_, SIOCOUTQ, &left) != 0) return {};
        if (left != unacknowledged) moved = Clock::now();
        unacknowledged = left;
        const auto still = Clock::now() - moved;
        if (left == 0 && (answered || still > silent_end)) return {};
        if (still > std::chrono::milliseconds(timeout_ms_))
            return Error{Code::timeout, "the client does not take the end of the data"};
    }
}

const char* DataStream::version() const {
    return SSL_get_version(ssl_.get());
}

}  // namespace stowage::ftps
