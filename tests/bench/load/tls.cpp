// Contexts and streams.
// Runs in: the bench.
#include "tests/bench/load/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace stowage::bench {

namespace {

constexpr const char* cipher = "TLS_AES_256_GCM_SHA384";

Context context_of(const SSL_METHOD* method) {
    Context context(SSL_CTX_new(method));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context.get(), cipher) != 1)
        fail("OpenSSL refuses TLS 1.3");
    return context;
}

std::string openssl_reason() {
    const auto* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : strerrordesc_np(errno);
}

}  // namespace

void fail(const std::string& what) {
    std::fputs(("bench: " + what + "\n").c_str(), stderr);
    std::_Exit(1);  // other threads may be amid a transfer
}

Context client_context() {
    auto context = context_of(TLS_client_method());
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), &TlsStream::keep_session);
    return context;
}

Context server_context(const std::string& certificate_file, const std::string& key_file) {
    auto context = context_of(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        fail("certificate or key: " + openssl_reason());
    return context;
}

std::pair<Fd, int> listen_anywhere() {
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener.get(), 128) != 0 ||
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        fail(fmt::format("no port to listen on: {}", strerrordesc_np(errno)));
    return {std::move(listener), ntohs(address.sin_port)};
}

Fd accept_on(const Fd& listener) {
    Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted) fail(fmt::format("accept: {}", strerrordesc_np(errno)));
    const int on = 1;
    (void)::setsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return accepted;
}

Fd connect_to(std::uint16_t port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail(fmt::format("connect to port {}: {}", port, strerrordesc_np(errno)));
    const int on = 1;
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

TlsStream::TlsStream(SSL_CTX* context, Fd socket, std::size_t buffer_bytes)
    : socket_(std::move(socket)), ssl_(SSL_new(context)) {
    auto* wire = BIO_new_socket(socket_.get(), BIO_NOCLOSE);
    if (buffer_bytes > 0) {
        auto* gathered = BIO_new(BIO_f_buffer());
        BIO_set_buffer_size(gathered, static_cast<long>(buffer_bytes));
        wire = BIO_push(gathered, wire);
    }
    SSL_set_bio(ssl_.get(), wire, wire);
    SSL_set_app_data(ssl_.get(), this);
}

int TlsStream::keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* stream = static_cast<TlsStream*>(SSL_get_app_data(ssl));
    stream->newest_.reset(session);
    return 1;
}

void TlsStream::connect(SSL_SESSION* session) {
    // OpenSSL lets a session of TLS 1.3 come back once; a server may take it more often.
    const Resumption copy(session ? SSL_SESSION_dup(session) : nullptr);
    if (copy && SSL_set_session(ssl_.get(), copy.get()) != 1) fail("SSL_set_session");
    if (SSL_connect(ssl_.get()) != 1) fail("TLS handshake: " + openssl_reason());
}

void TlsStream::accept() {
    if (SSL_accept(ssl_.get()) != 1) fail("TLS handshake: " + openssl_reason());
}

std::size_t TlsStream::read(char* buffer, std::size_t size) {
    std::size_t got = 0;
    return SSL_read_ex(ssl_.get(), buffer, size, &got) == 1 ? got : 0;
}

void TlsStream::write(const char* bytes, std::size_t size) {
    std::size_t sent = 0;
    if (SSL_write_ex(ssl_.get(), bytes, size, &sent) != 1 || sent != size)
        fail("sending: " + openssl_reason());
    if (BIO_flush(SSL_get_wbio(ssl_.get())) != 1) fail("sending: " + openssl_reason());
}

void TlsStream::send_end() {
    (void)SSL_shutdown(ssl_.get());
    (void)BIO_flush(SSL_get_wbio(ssl_.get()));
    (void)::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace stowage::bench
