// OpenSSL's ticket callbacks on our ring of keys.
// Runs in: front, worker. Distrusts: tickets.
#include "ftps/protocol/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace stowage::ftps {

namespace {

constexpr std::string_view session_id_context = "stowage-ftps";
constexpr long session_lifetime_seconds = 24 * 60 * 60;

// Where OpenSSL's callbacks find us again. Registered once, before any thread.
const int keys_index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
const int nonce_index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);

/// Fetched once: EVP_aes_256_cbc() would be looked up in the providers for each ticket.
const EVP_CIPHER* ticket_cipher() {
    static const EVP_CIPHER* const cipher = [] {
        const auto* fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
        return fetched ? fetched : EVP_aes_256_cbc();
    }();
    return cipher;
}

bool use_mac_key(EVP_MAC_CTX* mac, const message::TicketKey& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.hmac.data()),
                                          key.hmac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

std::optional<message::Nonce> nonce_in(SSL_SESSION* session) {
    void* data = nullptr;
    std::size_t size = 0;
    message::Nonce nonce;
    if (!session || SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != nonce.size())
        return std::nullopt;
    std::copy_n(static_cast<const std::uint8_t*>(data), size, nonce.begin());
    return nonce;
}

}  // namespace

// Return values as in SSL_CTX_set_tlsext_ticket_key_evp_cb(3): negative is an error, 0 is "no ticket" when
// encrypting and "full handshake" when decrypting, 1 is success.
struct TicketKeys::Callbacks {
    static TicketKeys* keys_of(SSL* ssl) {
        return static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index));
    }

    static int encrypt(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypting) {
        const auto& keys = keys_of(ssl)->keys_;
        if (!encrypting || keys.empty()) return 0;
        const auto& key = keys.front();
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) != 1 ||
            EVP_EncryptInit_ex2(cipher, ticket_cipher(), key.aes.data(), iv, nullptr) != 1 ||
            !use_mac_key(mac, key))
            return -1;
        std::copy(key.name.begin(), key.name.end(), name);
        return 1;
    }

    static int decrypt(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypting) {
        if (encrypting) return 0;
        const auto& keys = keys_of(ssl)->keys_;
        const auto key = std::find_if(keys.begin(), keys.end(), [name](const message::TicketKey& candidate) {
            return std::equal(candidate.name.begin(), candidate.name.end(), name);
        });
        if (key == keys.end()) return 0;
        if (EVP_DecryptInit_ex2(cipher, ticket_cipher(), key->aes.data(), iv, nullptr) != 1 ||
            !use_mac_key(mac, *key))
            return -1;
        return 1;
    }

    static int add_nonce(SSL* ssl, void*) {
        const auto* nonce = static_cast<const message::Nonce*>(SSL_get_ex_data(ssl, nonce_index));
        return nonce &&
               SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), nonce->data(), nonce->size()) == 1;
    }

    static SSL_TICKET_RETURN judge(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                   SSL_TICKET_STATUS status, void* self) {
        if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
            return SSL_TICKET_RETURN_IGNORE;
        const auto nonce = nonce_in(session);
        const auto& accept = static_cast<TicketKeys*>(self)->accept_;
        return nonce && accept && accept(ssl, *nonce) ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE;
    }
};

TicketKeys::~TicketKeys() {
    for (auto& key : keys_)
        explicit_bzero(&key, sizeof key);
}

void TicketKeys::add(const message::TicketKey& key) {
    keys_.push_front(key);
    if (keys_.size() <= message::ticket_keys_kept + 1) return;
    explicit_bzero(&keys_.back(), sizeof keys_.back());
    keys_.pop_back();
}

void TicketKeys::issue_in(SSL_CTX* context) {
    SSL_CTX_set_ex_data(context, keys_index, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &Callbacks::encrypt);
    SSL_CTX_set_session_ticket_cb(context, &Callbacks::add_nonce, nullptr, nullptr);
    SSL_CTX_set_num_tickets(context, 1);
}

void TicketKeys::accept_in(SSL_CTX* context, Accept accept) {
    accept_ = std::move(accept);
    SSL_CTX_set_ex_data(context, keys_index, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &Callbacks::decrypt);
    SSL_CTX_set_session_ticket_cb(context, nullptr, &Callbacks::judge, this);
    SSL_CTX_set_num_tickets(context, 0);
    // Without a certificate OpenSSL offers TLS 1.3 only to a context that might still choose one.
    SSL_CTX_set_cert_cb(
        context, [](SSL*, void*) { return 1; }, nullptr);
}

void TicketKeys::set_nonce(SSL* ssl, const message::Nonce& nonce) {
    SSL_set_ex_data(ssl, nonce_index, const_cast<message::Nonce*>(&nonce));
}

void set_common_options(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Forward secrecy and AEAD only. AES first: it is the faster one where the client has no wish of its own.
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!aNULL:@SECLEVEL=2");
    SSL_CTX_set_ciphersuites(context,
                             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_id_context.data()),
                                   static_cast<unsigned>(session_id_context.size()));
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, session_lifetime_seconds);
    // Moving buffers: a write is tried again from wherever the bytes lie then.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

}  // namespace stowage::ftps
