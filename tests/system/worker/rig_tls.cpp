// The front's tickets and a client's data connection.
// Runs in: tests only.
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <stdexcept>

#include "ftps/protocol/ticket_keys.hpp"
#include "ftps/protocol/tls_sessions.hpp"
#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

struct Identity {
    openssl::Key key;
    openssl::Certificate certificate;
};

// Made once per test process.
const Identity& identity() {
    static const Identity made = [] {
        Identity fresh{openssl::Key(EVP_EC_gen("P-256")), openssl::Certificate(X509_new())};
        auto* certificate = fresh.certificate.get();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, fresh.key.get());
        auto* name = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"),
                                   -1, -1, 0);
        X509_set_issuer_name(certificate, name);
        X509_sign(certificate, fresh.key.get(), EVP_sha256());
        return fresh;
    }();
    return made;
}

Context client_context(int version) {
    Context context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    return context;
}

}  // namespace

std::pair<std::string, std::string> self_signed() {
    const auto certificate = openssl::memory(), key = openssl::memory();
    PEM_write_bio_X509(certificate.get(), identity().certificate.get());
    PEM_write_bio_PrivateKey(key.get(), identity().key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {openssl::written(certificate), openssl::written(key)};
}

namespace {

// A control connection in memory, from the handshake to the client's close_notify.
SessionById handshake_in_memory(const message::TicketKey& key, const message::Nonce& nonce, int version,
                                bool tickets) {
    TicketKeys keys;
    keys.add(key);
    const Context server_context(SSL_CTX_new(TLS_server_method()));
    set_common_options(server_context.get());
    keys.issue_in(server_context.get());
    give_session_ids_in(server_context.get());
    SSL_CTX_use_certificate(server_context.get(), identity().certificate.get());
    SSL_CTX_use_PrivateKey(server_context.get(), identity().key.get());
    const auto context = client_context(version);
    if (!tickets) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    static thread_local TlsSession received;
    received.reset();
    SSL_CTX_sess_set_new_cb(context.get(), [](SSL*, SSL_SESSION* session) {
        received = openssl::TlsSession(session);
        return 1;
    });
    const Ssl server(SSL_new(server_context.get())), client(SSL_new(context.get()));
    BIO *left = nullptr, *right = nullptr;
    BIO_new_bio_pair(&left, 65536, &right, 65536);
    SSL_set_bio(server.get(), left, left);
    SSL_set_bio(client.get(), right, right);
    TicketKeys::set_nonce(server.get(), nonce);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    for (int i = 0; i < 20 && !(SSL_is_init_finished(client.get()) && SSL_is_init_finished(server.get()));
         ++i) {
        SSL_do_handshake(client.get());
        SSL_do_handshake(server.get());
    }
    char byte = 'x';
    SSL_write(server.get(), &byte, 1);
    SSL_read(client.get(), &byte, 1);
    const auto der = session_without_ticket(server.get());
    // Ended well: OpenSSL does not resume a session whose connection was torn.
    SSL_shutdown(client.get());
    if (!received) throw std::runtime_error("the client got no session to resume");
    return {received, std::string(der.reveal())};
}

}  // namespace

TlsSession mint(const message::TicketKey& key, const message::Nonce& nonce, int version) {
    return handshake_in_memory(key, nonce, version, true).client;
}

SessionById mint_without_ticket(const message::TicketKey& key, const message::Nonce& nonce) {
    return handshake_in_memory(key, nonce, tls12, false);
}

Data::Data(std::uint16_t port, const std::string& from, TlsSession session, int version,
           const std::string& first)
    : context_(client_context(version)), ssl_(SSL_new(context_.get())) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in here{}, there{};
    here.sin_family = there.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &here.sin_addr);
    ::inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    there.sin_port = htons(port);
    const timeval limit{10, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
        ::connect(socket.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0)
        return;
    if (!first.empty()) (void)!::send(socket.get(), first.data(), first.size(), MSG_NOSIGNAL);
    use(std::move(socket), session);
}

Data::Data(Fd connected, TlsSession session, int version)
    : context_(client_context(version)), ssl_(SSL_new(context_.get())) {
    use(std::move(connected), session);
}

void Data::use(Fd socket, const TlsSession& session) {
    socket_ = std::move(socket);
    SSL_set_fd(ssl_.get(), socket_.get());
    // OpenSSL's client marks a session as used up; WinSCP, for one, replays its ticket, and so do we.
    const openssl::TlsSession copy(session ? SSL_SESSION_dup(session.get()) : nullptr);
    if (copy) SSL_set_session(ssl_.get(), copy.get());
}

Data::~Data() = default;

void Data::tear() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
}

bool Data::handshake() {
    return connected() && SSL_connect(ssl_.get()) == 1;
}

void Data::say_hello() {
    const int flags = ::fcntl(socket_.get(), F_GETFL);
    ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
    (void)SSL_connect(ssl_.get());
    ::fcntl(socket_.get(), F_SETFL, flags);
}

bool Data::resumed() const {
    return SSL_session_reused(ssl_.get()) == 1;
}

bool Data::write(const std::string& bytes) {
    return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

std::string Data::read_all() {
    std::string all;
    char buffer[65536];
    for (;;) {
        const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
        if (got <= 0) {
            ended_well_ = SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN;
            return all;
        }
        all.append(buffer, static_cast<std::size_t>(got));
    }
}

void Data::finish() {
    if (SSL_shutdown(ssl_.get()) == 0) (void)read_all();
}

}  // namespace stowage::ftps::rig
