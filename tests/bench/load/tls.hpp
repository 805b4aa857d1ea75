// TLS of the load clients: OpenSSL on a blocking socket, with large buffers so that they are no bottleneck.
// Runs in: the bench. Distrusts: nothing but failures, which end the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::bench {

using Context = openssl::TlsContext;
using Resumption = openssl::TlsSession;

/// What goes wrong ends the program: a bench with failures in it measures nothing.
[[noreturn]] void fail(const std::string& what);

/// TLS 1.3 with AES-256-GCM only; the certificate is not looked at, for the peer is this machine.
Context client_context();
/// The same for a server.
Context server_context(const std::string& certificate_file, const std::string& key_file);

Fd connect_to(std::uint16_t port);

/// One TLS connection. Not copied and not moved: OpenSSL keeps a pointer to it.
class TlsStream {
  public:
    /// @param gathered_bytes size of the buffers between OpenSSL and the socket; 0: none
    TlsStream(SSL_CTX* context, Fd socket, std::size_t gathered_bytes);
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// @param session to resume, may be null
    void connect(SSL_SESSION* session);
    void accept();
    bool is_resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
    /// 0 at the end, however the peer ends.
    std::size_t read(char* buffer, std::size_t size);
    void write(const char* bytes, std::size_t size);
    /// close_notify and the end of our direction.
    void send_end();
    /// The newest session that the peer sent; null before the first one.
    SSL_SESSION* session() const { return newest_.get(); }
    Resumption take_session() { return std::move(newest_); }

  private:
    static int keep_session(SSL* ssl, SSL_SESSION* session);
    friend Context client_context();

    Fd socket_;
    openssl::TlsConnection ssl_;
    Resumption newest_;
};

}  // namespace stowage::bench
