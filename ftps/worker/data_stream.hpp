// One data connection: TLS on a blocking socket.
// Runs in: worker, on the transfer threads. Distrusts: the peer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "ftps/worker/data_tls.hpp"
#include "ftps/worker/live_sessions.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps {

/// One thread, but shutdown(2) of the socket from another ends every wait.
class DataStream {
  public:
    enum class Handshake { resumed, full, refused, failed, timed_out };

    /// Whose sessions are good here: `asker.patience` is set by accept().
    struct Admission {
        LiveSessions& sessions;
        LiveSessions::Asker asker;
    };
    /// Of the stream that OpenSSL asks about in a handshake.
    static const Admission& admission_of(SSL* ssl);

    /// @param timeout_ms how long nothing may move
    DataStream(std::shared_ptr<TlsContext> context, int socket, Admission admission, int timeout_ms);
    ~DataStream();
    DataStream(const DataStream&) = delete;
    DataStream& operator=(const DataStream&) = delete;

    /// Before accept(): what is sent may be encrypted by the kernel (kTLS), if it has the module `tls`.
    void offer_kernel();
    /// Before accept(): what it calls, once, when the peer has said nothing for so long. It then waits on.
    void when_silent(std::chrono::milliseconds patience, std::function<void()> call);
    /// As the server. `refused`: the peer spoke TLS, but brought no session that is good here.
    Handshake accept();
    /// At least one byte, up to `size`; 0 after close_notify. Code::timeout; Code::protocol at the end of the
    /// TCP stream without close_notify, and when the connection breaks.
    Result<std::size_t> read(char* buffer, std::size_t size);
    /// That read() would probably not wait.
    bool has_something() const;
    Result<void> write(const char* bytes, std::size_t size);
    /// The last bytes before send_end(): they leave together with it.
    Result<void> write_last(const char* bytes, std::size_t size);
    /// True when the kernel took it: then send_from() works.
    bool kernel_sends() const;
    /// A piece of the file from byte `at` on, without a copy of it in here; 0 at the file's end.
    Result<std::size_t> send_from(const Fd& file, std::uint64_t at, std::size_t most);
    /// Answers the peer's close_notify, or sends ours, and ends our direction. Whoever has sent nothing need
    /// not look at the result.
    Result<void> send_end();
    /// After send_end(): until the peer has ended its direction, or has acknowledged everything and stays
    /// silent. Code::timeout if what was sent does not arrive.
    Result<void> wait_for_end();
    /// "TLSv1.3", for the log.
    const char* version() const;

  private:
    Result<void> flush();
    bool was_interrupted(int outcome) const;
    bool call_when_silent(int outcome);
    bool has_more() const;
    Error broken(int outcome, const char* doing) const;

    std::shared_ptr<TlsContext> context_;
    int socket_;
    int timeout_ms_;
    Admission admission_;
    openssl::TlsConnection ssl_;
    std::function<void()> silence_;
};

}  // namespace stowage::ftps
