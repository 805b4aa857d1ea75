// TLS of the load clients: OpenSSL on a blocking socket, with large buffers so that they are no bottleneck.
// Runs in: the bench. Distrusts: nothing but failures, which end the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/fd.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::bench {

using Context = openssl::TlsContext;
using Resumption = openssl::TlsSession;

/// 256 KiB of plaintext are 16 records of 16,406 bytes: buffers of 256 KiB between OpenSSL and the socket
/// would make two system calls of each block.
constexpr std::size_t block_bytes = 256 * 1024, gathered_bytes = 264 * 1024;

/// What goes wrong ends the program: a bench with failures in it measures nothing.
[[noreturn]] void fail(const std::string& what);

/// TLS 1.3 with AES-256-GCM only; the certificate is not looked at, for the peer is this machine.
Context client_context();
/// The same for a server.
Context server_context(const std::string& certificate_file, const std::string& key_file);

Fd connect_to(std::uint16_t port);
/// A listener on a port of the loopback interface that the kernel chooses, and that port.
std::pair<Fd, int> listen_anywhere();
Fd accept_on(const Fd& listener);

/// One TLS connection. Not copied and not moved: OpenSSL keeps a pointer to it.
class TlsStream {
  public:
    /// @param buffer_bytes size of the buffers between OpenSSL and the socket; 0: none
    TlsStream(SSL_CTX* context, Fd socket, std::size_t buffer_bytes);
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// @param session to resume, may be null
    void connect(SSL_SESSION* session);
    void accept();
    /// Before accept(): a session that comes back brings no new one.
    void send_no_tickets() { SSL_set_num_tickets(ssl_.get(), 0); }
    /// Without gathered bytes: one recv(2) for a record, not one for its head and one for the rest.
    void read_ahead() { SSL_set_read_ahead(ssl_.get(), 1); }
    bool is_resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
    /// 0 at the end, however the peer ends: who reads compares what came with what should.
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
