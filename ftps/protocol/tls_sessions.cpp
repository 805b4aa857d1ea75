// OpenSSL's session cache callbacks, without a cache.
// Runs in: front, worker. Distrusts: session ids.
#include "ftps/protocol/tls_sessions.hpp"

#include <string>

#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps {

namespace {

using openssl::TlsSession;

const int offers_index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);

bool has_id(const SSL_SESSION* session, std::string_view id) {
    unsigned size = 0;
    const auto* bytes = SSL_SESSION_get_id(session, &size);
    return std::string_view(reinterpret_cast<const char*>(bytes), size) == id;
}

TlsSession parse(std::string_view der) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    return TlsSession(d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(der.size())));
}

// A session of its own for each handshake: OpenSSL marks one that ended badly as not resumable.
SSL_SESSION* find(SSL* ssl, const unsigned char* id, int size, int* copy) {
    *copy = 0;
    const auto sessions =
        reinterpret_cast<OfferSessions>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), offers_index));
    const std::string_view wanted(reinterpret_cast<const char*>(id), static_cast<std::size_t>(size));
    TlsSession found;
    sessions(ssl, [&found, wanted](std::string_view der) {
        auto session = parse(der);
        if (!session || !has_id(session.get(), wanted)) return false;
        found = std::move(session);
        return true;
    });
    return found.release();
}

}  // namespace

void give_session_ids_in(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
}

Secret session_without_ticket(SSL* ssl) {
    auto* session = ssl ? SSL_get_session(ssl) : nullptr;
    unsigned id_size = 0;
    if (!session || SSL_version(ssl) != TLS1_2_VERSION || SSL_SESSION_has_ticket(session)) return {};
    SSL_SESSION_get_id(session, &id_size);
    const int size = id_size ? i2d_SSL_SESSION(session, nullptr) : 0;
    if (size <= 0) return {};
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(der.data());
    i2d_SSL_SESSION(session, &bytes);
    Secret secret(der);
    explicit_bzero(der.data(), der.size());
    return secret;
}

void resume_session_ids_in(SSL_CTX* context, OfferSessions sessions) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context, offers_index, reinterpret_cast<void*>(sessions));
    SSL_CTX_sess_set_get_cb(context, &find);
}

}  // namespace stowage::ftps
