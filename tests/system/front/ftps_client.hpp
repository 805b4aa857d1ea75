// A blocking FTPS client that can also misbehave.
// Runs in: tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::testing {

struct TlsWish {
    int version = TLS1_3_VERSION;
    std::string server_name = "storage.example";
    std::string protocols;  ///< ALPN, wire form
    int oldest = 0;         ///< as `version` if 0
};

class FtpsClient {
  public:
    explicit FtpsClient(std::uint16_t port, const std::string& address = "127.0.0.1");
    ~FtpsClient();
    FtpsClient(FtpsClient&&) = default;

    void send(std::string_view bytes);
    /// One reply, multi-line ones whole; "" at the end of the connection. Every read is limited to 10 s.
    std::string reply();
    std::string command(std::string_view line) {
        send(std::string(line) + "\r\n");
        return reply();
    }
    /// The handshake; false if it was refused, with OpenSSL's reason in error().
    bool start_tls(const TlsWish& wish = {});
    /// AUTH TLS and the handshake, after the greeting.
    bool auth_tls(const TlsWish& wish = {});
    const std::string& error() const { return error_; }
    std::string chosen_protocol() const;
    std::string peer_certificate_name() const;
    std::size_t tickets() const { return *tickets_; }

    /// True if the peer closes within 10 s, whatever it sends before; `orderly` tells of a close_notify.
    bool is_closed(bool* orderly = nullptr);
    /// That many KeyUpdates (TLS 1.3) and a command behind them, as bytes that are still to be sent.
    std::string key_updates(int count, std::string_view command);
    /// A second handshake on the connection (TLS 1.2); false if it was refused, as start_tls().
    bool renegotiates();
    void close_notify();
    /// Closes with a TCP reset.
    void reset();
    int fd() const { return socket_.get(); }
    void set_receive_buffer(int bytes);

  private:
    bool is_done(int handshake);
    int read_some(char* buffer, int size);

    Fd socket_;
    openssl::TlsContext context_;
    openssl::TlsConnection ssl_;
    std::unique_ptr<std::size_t> tickets_ = std::make_unique<std::size_t>(0);
    std::string buffer_, error_;
};

}  // namespace stowage::testing
