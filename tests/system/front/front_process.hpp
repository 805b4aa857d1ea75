// A running stowage-front and the supervisor's end of its channel.
// Runs in: tests.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "gateway/base/ipc.hpp"
#include "gateway/base/messages/logins.hpp"

namespace stowage::testing {

/// A self-signed certificate for `dns_name` and 127.0.0.1.
struct CertificateFiles {
    std::string chain, key;
};
CertificateFiles make_certificate(const std::string& dns_name);

using Settings = std::map<std::string, std::string>;

/// Starts the front with an explicit and an implicit listener on free ports of 127.0.0.0/8; kills it at the
/// end.
class FrontProcess {
  public:
    /// @param descriptors hard limit of open files; 0 leaves it
    explicit FrontProcess(Settings settings = {}, int descriptors = 0);
    ~FrontProcess();
    FrontProcess(const FrontProcess&) = delete;
    FrontProcess& operator=(const FrontProcess&) = delete;

    std::uint16_t port() const { return port_; }
    std::uint16_t implicit_port() const { return implicit_port_; }
    pid_t pid() const { return pid_; }
    int channel() const { return channel_.get(); }
    const std::string& run_directory() const { return directory_; }

    void send_certificate(const CertificateFiles& files);
    /// The next message of this type within 10 s; throws otherwise.
    template <typename M>
    M receive() {
        return or_throw(receive_packet().as<M>());
    }
    /// True if nothing comes within the time.
    bool is_silent_for(int milliseconds);
    /// Answers a login with the session socket, whose other end is returned.
    Fd accept_login(const message::LoginRequest& request);
    void refuse_login(const message::LoginRequest& request, message::LoginOutcome outcome,
                      std::string_view text = "");
    /// The exit status, within 10 s; -1 if it still runs.
    int wait_for_exit();
    bool is_alive() const;
    void close_channel() { channel_.reset(); }

    static constexpr uid_t uid = 64123, gid = 64124;

  private:
    ipc::Packet receive_packet();
    void start(int child_end, int descriptors);

    std::string directory_;
    Fd channel_, process_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0, implicit_port_ = 0;
};

}  // namespace stowage::testing
