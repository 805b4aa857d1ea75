// Contexts for data connections.
// Runs in: worker.
#include "ftps/worker/data_tls.hpp"

#include <openssl/ssl.h>

#include "ftps/protocol/tls_identity.hpp"
#include "ftps/protocol/tls_sessions.hpp"
#include "ftps/worker/data_stream.hpp"

namespace stowage::ftps {

namespace {

bool is_admitted(SSL* ssl, const message::Nonce& nonce) {
    const auto& admission = DataStream::admission_of(ssl);
    return admission.sessions.may_resume(admission.asker, nonce);
}

void offer_sessions(SSL* ssl, const std::function<bool(std::string_view der)>& offer) {
    const auto& admission = DataStream::admission_of(ssl);
    (void)admission.sessions.offer(admission.asker, offer);
}

}  // namespace

void DataTls::add_key(const message::TicketKey& key) {
    keys_.reserve(message::ticket_keys_kept + 2);  // growing would leave keys in freed memory
    keys_.push_back(key);
    if (keys_.size() > message::ticket_keys_kept + 1) {
        explicit_bzero(&keys_.front(), sizeof keys_.front());
        keys_.erase(keys_.begin());
    }
    context_.reset();
}

void DataTls::use_identity(Identity identity) {
    identity_ = std::move(identity);
    context_.reset();
}

void DataTls::forget_identity() {
    if (!identity_) return;
    identity_.reset();
    context_.reset();
}

Result<std::shared_ptr<TlsContext>> DataTls::context() {
    if (context_) return context_;
    auto made = std::make_shared<TlsContext>();
    for (const auto& key : keys_)
        made->keys.add(key);
    made->context.reset(SSL_CTX_new(TLS_server_method()));
    if (!made->context) return Error{Code::internal, "SSL_CTX_new: " + take_ssl_error()};
    auto* context = made->context.get();
    set_common_options(context);
    made->keys.accept_in(context, &is_admitted);
    resume_session_ids_in(context, &offer_sessions);
    if (identity_) CHECK(load_identity(context, identity_->certificates, identity_->private_key.reveal()));
    // A busy stream would give its large buffer back and take it again at every read.
    SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
    context_ = std::move(made);
    return context_;
}

}  // namespace stowage::ftps
