// A real stowage-worker between a supervisor and a front that are this test.
// Runs in: tests only (root).
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/messages/workers.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps::rig {

inline constexpr std::uint32_t lab_uid = 47001;
inline constexpr int tls12 = 0x0303, tls13 = 0x0304;

using Ssl = openssl::TlsConnection;
using Context = openssl::TlsContext;
using TlsSession = std::shared_ptr<SSL_SESSION>;

/// A ticket as the front would give it to a client, made by a handshake in memory.
TlsSession mint(const message::TicketKey& key, const message::Nonce& nonce, int version);

/// A TLS 1.2 session of a client that wants no tickets: what the client keeps, and what the front sends the
/// worker.
struct SessionById {
    TlsSession client;
    std::string der;
};
SessionById mint_without_ticket(const message::TicketKey& key, const message::Nonce& nonce);

/// A certificate and its key as PEM text.
std::pair<std::string, std::string> self_signed();

/// What came back from a control command: the code, and every byte of the reply.
struct Reply {
    int code = 0;
    std::string text;
    bool ticket = false;        ///< a 'T' packet came before it
    bool ticket_alone = false;  ///< an 'A' packet did
};

/// The front's end of a session.
class Control {
  public:
    explicit Control(Fd socket) : socket_(std::move(socket)) {}
    void send(const std::string& line);
    void send_raw(const std::string& bytes);
    /// The next reply, or code 0 at end of file or after `seconds`.
    Reply read(int seconds = 10);
    Reply ask(const std::string& line) {
        send(line);
        return read();
    }
    /// The front's first packet for a client without tickets.
    void send_tls_session(const std::string& der);
    /// Whether a ticket alone is the next that the front is given.
    bool is_given_a_ticket();
    bool close_was_asked() const { return close_; }
    void hang_up() { socket_.reset(); }

  private:
    Fd socket_;
    std::string buffer_;
    bool ticket_ = false, ticket_alone_ = false, close_ = false;
};

/// A client's data connection.
class Data {
  public:
    /// @param from the address to come from; @param session none: a full handshake
    /// @param first bytes that go out before TLS
    Data(std::uint16_t port, const std::string& from, TlsSession session, int version,
         const std::string& first = {});
    /// Over a connection that the server opened (active mode): TLS's client all the same.
    Data(Fd connected, TlsSession session, int version);
    ~Data();
    bool connected() const { return static_cast<bool>(socket_); }
    /// True if TLS was accepted and resumed, as the server has confirmed by what it sent.
    bool handshake();
    /// The client's hello, and nothing more before handshake().
    void say_hello();
    bool resumed() const;
    bool write(const std::string& bytes);
    std::string read_all();
    /// True if close_notify was the end of what read_all() got.
    bool ended_well() const { return ended_well_; }
    /// close_notify, then waits for the server's.
    void finish();
    void cut() { socket_.reset(); }  ///< FIN without close_notify
    void tear();                     ///< RST
    SSL* ssl() { return ssl_.get(); }
    int fd() const { return socket_.get(); }

  private:
    void use(Fd socket, const TlsSession& session);

    Fd socket_;
    Context context_;
    Ssl ssl_;
    bool ended_well_ = false;
};

/// What has no event of its own: looks until it is true, at most 20 s.
bool comes_true(const std::function<bool()>& condition);

/// A worker process with its lab; both go with the object.
class Rig {
  public:
    struct Options {
        std::string directory;  ///< empty: one of its own
        std::vector<std::pair<std::string, std::string>> config;
        std::uint64_t quota_bytes = 0, quota_inodes = 0;
        bool optional_resumption = false;
        /// Answers the worker's usage queries; without it they are answered "none", as where no filesystem
        /// counts. Runs on another thread.
        std::function<message::LabUsage()> usage = {};
        bool durable = true;
        unsigned descriptors = 0;  ///< how many the worker may have open; 0: as many as we may
    };
    Rig() : Rig(Options{}) {}
    explicit Rig(Options options);
    ~Rig();

    void start();
    void kill();  ///< SIGKILL, and waits
    /// Waits at most 10 s; the exit status, or -1.
    int wait_for_exit();
    /// As the supervisor does when something about the lab was changed. The worker takes them in their order.
    void send_settings(const message::LabSettings& settings);
    void send_certificate();
    void hang_up();  ///< as a supervisor that died
    unsigned usage_queries() const { return usage_queries_; }
    pid_t pid() const { return pid_; }
    /// Open descriptors of the worker.
    std::size_t descriptors() const;
    /// Its sockets that listen (st 0A in /proc/PID/net/tcp, proc(5)).
    std::size_t listeners() const;
    int supervisor() const { return supervisor_.get(); }
    const std::filesystem::path& lab() const { return lab_; }
    const message::TicketKey& key() const { return key_; }
    static message::Nonce new_nonce();

    struct Login {
        std::unique_ptr<Control> control;
        message::Nonce nonce{};
        Reply welcome;
    };
    Login login(const std::string& user = "alice", const std::string& peer = "127.0.0.1", int version = tls13,
                const std::string& local = "127.0.0.1");
    /// With the nonce that the connection's tickets bear already.
    Login login(const message::Nonce& nonce, const std::string& user = "alice");
    /// With the number of an earlier one, which a front that was taken over said to have ended.
    Login login_again(std::uint64_t session, const std::string& user = "alice");
    /// Logged in, TYPE I; asserts nothing.
    static std::uint16_t epsv(Control& control);

    /// A whole upload; the last reply.
    Reply store(Login& login, const std::string& command, const std::string& bytes, int version = tls13);
    Reply retrieve(Login& login, const std::string& command, std::string& bytes, int version = tls13);

    std::string content(const std::string& path) const;
    void write_as_pod(const std::string& path, const std::string& bytes) const;
    /// Files of the lab as pods see them, without .stowage, sorted.
    std::vector<std::string> visible() const;
    std::size_t staged() const;

  private:
    Login login_as(message::SessionStart start_session, std::uint64_t session);
    void answer_queries();

    Options options_;
    std::filesystem::path lab_;
    message::TicketKey key_;
    std::array<std::uint8_t, 32> hash_key_{};
    Fd supervisor_;
    pid_t pid_ = -1;
    std::uint64_t next_session_ = 1;
    std::atomic<unsigned> usage_queries_{0};
    std::thread
        answering_;  // only where there is a quota: nobody else may read from the supervisor's socket then
};

}  // namespace stowage::ftps::rig
