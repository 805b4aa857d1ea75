// The bytes of one control connection, in plain text at first, then through TLS.
// Runs in: front. Distrusts: the peer's pace and its TLS.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string_view>

#include "ftps/front/client_certificate.hpp"
#include "ftps/front/tls_context.hpp"
#include "ftps/front/turn.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::ftps {

/// OpenSSL works on the non-blocking socket itself and releases its buffers while idle: with Asio's
/// ssl::stream each idle session would cost its BIO pair. One coroutine may read while another writes.
class ControlStream {
  public:
    /// @param socket connected, non-blocking
    ControlStream(boost::asio::any_io_executor executor, Fd socket);

    /// TLS from here on. `nonce` goes into each session ticket and must live as long as this stream.
    /// @return Code::protocol with OpenSSL's reason
    boost::asio::awaitable<Result<void>> start_tls(SSL_CTX* context, const message::Nonce& nonce);

    /// Some bytes, at least one. Code::cancelled at the peer's orderly end, Code::io when the connection
    /// broke.
    boost::asio::awaitable<Result<std::size_t>> read_some(char* buffer, std::size_t size);

    /// How many bytes could be sent without waiting, perhaps none.
    Result<std::size_t> write_now(std::string_view bytes);
    /// Until write_now() may get further.
    boost::asio::awaitable<void> wait_writable();

    /// The next write_now() sends a fresh ticket first. TLS 1.2 has none outside its handshake: nothing
    /// happens.
    void queue_ticket();
    /// Sends a fresh ticket, or as much of it as can be sent without waiting, and the rest with the next
    /// write_now() or read_some(). A broken connection shows there.
    void send_ticket_now();
    /// close_notify, or a FIN without TLS; the peer's bytes can still be read.
    void close_sending();
    /// Ends every wait, here and at the peer.
    void shut_down();

    /// What the worker needs to resume this TLS session by its id; empty where tickets do that.
    Secret resumable_session() const;

    /// check_client() of this connection.
    ClientCheck check_certificate(std::string_view cas) const { return check_client(ssl_.get(), cas); }

    bool is_tls() const { return ssl_ != nullptr; }
    /// What the client called us in its hello (SNI); empty if it did not, and before TLS.
    std::string_view server_name() const;
    /// 0x0303 or 0x0304; 0 before TLS.
    std::uint16_t tls_version() const;

  private:
    enum class Wait { none, read, write };

    // What an OpenSSL call that did not succeed waits for; an error if nothing helps.
    Result<Wait> judge(int returned, std::string_view call);
    // As far as it goes now; Wait::none when it is done.
    Result<Wait> shake_hands();
    Result<std::size_t> write_all_now(std::string_view bytes);
    void cork(bool on);
    Result<std::size_t> read_now(char* buffer, std::size_t size, Wait& wait);
    boost::asio::awaitable<void> wait_for(Wait wait);

    boost::asio::posix::stream_descriptor socket_;
    openssl::TlsConnection ssl_;
    Turn turn_;
    bool ticket_queued_ = false;
};

}  // namespace stowage::ftps
