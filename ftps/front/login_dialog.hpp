// What a client may say before it is logged in (RFC 959 §5.4, RFC 2389, RFC 4217), and the answers.
// Runs in: front. Distrusts: the order and the content of every command. No input or output in here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ftps/protocol/command_line.hpp"
#include "gateway/base/messages/logins.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::ftps {

/// The state of one connection up to its login.
class LoginDialog {
  public:
    enum class Next {
        go_on,      ///< send the reply, read the next command
        start_tls,  ///< send the reply, then do the handshake; then tls_started()
        log_in,     ///< no reply yet: ask the supervisor about user() and password(); on a refusal refused()
        refuse,     ///< as log_in, but what was given cannot be right: the password is nobody's business
        close,      ///< send the reply if there is one, then close
    };
    struct Step {
        Next next = Next::go_on;
        std::string reply;  ///< complete, with its line end
    };

    /// After this many refused logins, or lines that lead nowhere, the connection is closed.
    static constexpr int max_refusals = 3, max_lines = 100;

    /// Whether this server is the one of a host name, or of an address without brackets (RFC 7151 §3).
    using AnswersTo = std::function<bool(std::string_view host)>;

    /// @param implicit_tls TLS came first (RFC 4217 leaves this port to custom), which implies PROT P
    /// @param active_mode the configuration's, for FEAT
    explicit LoginDialog(
        bool implicit_tls, bool active_mode = true,
        AnswersTo answers_to = [](std::string_view) { return false; });

    static std::string greeting();

    /// Then refusals tell everybody that a missing one may be the reason.
    void certificates_are_asked_for() { certificates_asked_for_ = true; }

    /// `command`'s argument is wiped where it was a password.
    Step on(Command& command);
    Step on(const CommandReader::BadLine& line);

    /// @param server_name what the client called us in its hello (RFC 6066 §3), or nothing
    void tls_started(std::string_view server_name = {});
    /// The answer to a refused login.
    Step refused(message::LoginOutcome outcome, std::string_view text);

    const std::string& user() const { return user_; }
    /// What the client called itself (CLNT, CSID); any bytes.
    const std::string& client() const { return client_; }
    const Secret& password() const { return password_; }
    void forget_password() { password_.wipe(); }
    bool prot_private() const { return prot_private_; }

  private:
    Step take_user(const Command& command);
    Step take_password(Command& command);
    Step auth(const Command& command);
    Step protection(const Command& command);
    Step host(const Command& command) const;
    Step small_talk(const Command& command);

    AnswersTo answers_to_;
    std::string server_name_;  // lower case
    bool tls_, prot_private_, buffer_size_said_, active_mode_, certificates_asked_for_ = false;
    int refusals_ = 0, lines_ = 0;
    std::string user_, client_;
    Secret password_;
};

}  // namespace stowage::ftps
