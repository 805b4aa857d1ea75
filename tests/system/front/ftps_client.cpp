// Sockets and OpenSSL, blocking, for tests.
// Runs in: tests.
#include "tests/system/front/ftps_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "gateway/base/result.hpp"

namespace stowage::testing {

FtpsClient::FtpsClient(std::uint16_t port, const std::string& address)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the front has closed
    sockaddr_in own{}, peer{};
    own.sin_family = peer.sin_family = AF_INET;
    peer.sin_port = htons(port);
    // Connecting from and to the same loopback address lets a test have several client addresses.
    if (::inet_pton(AF_INET, address.c_str(), &own.sin_addr) != 1) throw Fatal({Code::invalid, address});
    peer.sin_addr = own.sin_addr;
    const timeval limit{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
        ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0)
        throw Fatal(system_error(errno, "connect"));
}

FtpsClient::~FtpsClient() = default;

void FtpsClient::send(std::string_view bytes) {
    if (ssl_)
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    else
        (void)!::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

int FtpsClient::read_some(char* buffer, int size) {
    if (ssl_) return SSL_read(ssl_.get(), buffer, size);
    return static_cast<int>(::recv(socket_.get(), buffer, static_cast<std::size_t>(size), 0));
}

std::string FtpsClient::reply() {
    std::string whole;
    for (;;) {
        const auto end = buffer_.find("\r\n");
        if (end == std::string::npos) {
            char bytes[4096];
            const int got = read_some(bytes, sizeof bytes);
            if (got <= 0) return "";
            buffer_.append(bytes, static_cast<std::size_t>(got));
            continue;
        }
        const auto line = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 2);
        whole += line;
        const bool last = line.size() > 4 && line[3] == ' ' && line.compare(0, 3, whole, 0, 3) == 0;
        if (last) return whole;
    }
}

bool FtpsClient::start_tls(const TlsWish& wish) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), wish.oldest ? wish.oldest : wish.version);
    SSL_CTX_set_max_proto_version(context_.get(), wish.version);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context_.get(), 0, tickets_.get());
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION*) {
        ++*static_cast<std::size_t*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
        return 0;
    });
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    if (!wish.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), wish.server_name.c_str());
    if (!wish.protocols.empty())
        SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wish.protocols.data()),
                            static_cast<unsigned>(wish.protocols.size()));
    ERR_clear_error();
    return is_done(SSL_connect(ssl_.get()));
}

bool FtpsClient::renegotiates() {
    ERR_clear_error();
    return is_done(SSL_renegotiate(ssl_.get()) == 1 ? SSL_do_handshake(ssl_.get()) : 0);
}

bool FtpsClient::is_done(int handshake) {
    if (handshake == 1) return true;
    const auto* reason = ERR_reason_error_string(ERR_peek_last_error());
    error_ = reason ? reason : "connection closed";
    return false;
}

bool FtpsClient::auth_tls(const TlsWish& wish) {
    if (reply().substr(0, 3) != "220" || command("AUTH TLS").substr(0, 3) != "234") return false;
    return start_tls(wish);
}

std::string FtpsClient::chosen_protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string FtpsClient::peer_certificate_name() const {
    auto* certificate = SSL_get0_peer_certificate(ssl_.get());
    for (const auto* name : {"storage.example", "new.example"})
        if (certificate && X509_check_host(certificate, name, 0, 0, nullptr) == 1) return name;
    return "";
}

bool FtpsClient::is_closed(bool* orderly) {
    char bytes[4096];
    int got = 0;
    while ((got = read_some(bytes, sizeof bytes)) > 0)
        continue;
    const bool timed_out = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (orderly) *orderly = ssl_ ? SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN : got == 0;
    return !timed_out;
}

std::string FtpsClient::key_updates(int count, std::string_view command) {
    BIO* const bytes = BIO_new(BIO_s_mem());
    BIO* const socket = SSL_get_wbio(ssl_.get());
    BIO_up_ref(socket);
    SSL_set0_wbio(ssl_.get(), bytes);
    for (int i = 0; i < count; ++i)
        if (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
            SSL_do_handshake(ssl_.get()) != 1)
            throw Fatal({Code::internal, "SSL_key_update"});
    send(std::string(command) + "\r\n");
    char* first = nullptr;
    const auto size = BIO_get_mem_data(bytes, &first);
    std::string made(first, static_cast<std::size_t>(size));
    SSL_set0_wbio(ssl_.get(), socket);
    return made;
}

void FtpsClient::close_notify() {
    SSL_shutdown(ssl_.get());
}

void FtpsClient::reset() {
    const linger now{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
}

void FtpsClient::set_receive_buffer(int bytes) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace stowage::testing
