// Certificate, key and callbacks into an SSL_CTX.
// Runs in: front. Distrusts: clients' hellos.
#include "ftps/front/tls_context.hpp"

#include <openssl/ssl.h>

#include "ftps/front/server_names.hpp"
#include "ftps/protocol/tls_identity.hpp"
#include "ftps/protocol/tls_sessions.hpp"

namespace stowage::ftps {

namespace {

/// A ticket of TLS 1.2 holds the keys of the connection that it travels on in the clear, and every worker can
/// open it. So clients of that version resume by id; their session goes to their lab's worker alone
/// (tls_sessions.hpp).
int on_hello(SSL* ssl, int*, void*) {
    const unsigned char* list = nullptr;
    std::size_t size = 0;
    bool newer = false;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &list, &size) == 1)
        for (std::size_t at = 1; at + 1 < size; at += 2)
            newer = newer || (list[at] == 3 && list[at + 1] == 4);
    if (!newer) SSL_set_options(ssl, SSL_OP_NO_TICKET);
    return SSL_CLIENT_HELLO_SUCCESS;
}

int on_server_name(SSL* ssl, int* alert, void*) {
    const auto* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!name) return SSL_TLSEXT_ERR_NOACK;
    auto* certificate = SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl));
    if (answers_to(certificate, name)) return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int on_protocols(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                 unsigned in_size, void*) {
    const auto chosen = choose_protocol({reinterpret_cast<const char*>(in), in_size});
    if (!chosen) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = reinterpret_cast<const unsigned char*>(chosen->data());
    *size = static_cast<unsigned char>(chosen->size());
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<openssl::TlsContext> make_control_context(std::string_view chain, std::string_view key,
                                                 TicketKeys& keys) {
    openssl::TlsContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) return Error{Code::internal, "SSL_CTX_new: " + take_ssl_error()};
    set_common_options(context.get());
    SSL_CTX_set_options(context.get(), SSL_OP_CLEANSE_PLAINTEXT);  // passwords pass through
    SSL_CTX_set_read_ahead(context.get(), 1);  // a command is one read, not one of its header and another
    CHECK(load_identity(context.get(), chain, key));
    keys.issue_in(context.get());
    give_session_ids_in(context.get());
    SSL_CTX_set_client_hello_cb(context.get(), on_hello, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
    SSL_CTX_set_alpn_select_cb(context.get(), on_protocols, nullptr);
    return context;
}

}  // namespace stowage::ftps
