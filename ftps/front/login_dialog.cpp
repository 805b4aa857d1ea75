// Verbs before the login.
// Runs in: front. Distrusts: every command.
#include "ftps/front/login_dialog.hpp"

#include <string.h>

#include <algorithm>

#include "ftps/front/features.hpp"
#include "ftps/protocol/ascii_case.hpp"
#include "ftps/protocol/reply.hpp"
#include "ftps/protocol/server_facts.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::ftps {

namespace {

using Next = LoginDialog::Next;

// A browser, or somebody who makes one talk to us (ALPACA): there is nothing to say to it.
constexpr std::string_view http_verbs[] = {"GET",     "POST",  "PUT",   "HEAD",    "DELETE",
                                           "OPTIONS", "TRACE", "PATCH", "CONNECT", "PROPFIND"};

/// A name, or an address; IPv6 ones stand in brackets (RFC 7151 §3.1). Empty if it is neither.
std::string host_in(const std::string& argument) {
    auto host = lower(argument);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const bool has_colon = host.find(':') != std::string::npos;
    if (host.size() > 255 || has_colon != bracketed || host.find_first_of(" []/") != std::string::npos)
        return {};
    return host;
}

LoginDialog::Step say(int code, std::string_view text) {
    return {Next::go_on, reply(code, text)};
}
LoginDialog::Step close_with(int code, std::string_view text) {
    return {Next::close, reply(code, text)};
}

LoginDialog::Step tls_first() {
    return say(530, "TLS first: send AUTH TLS. In your client choose \"require explicit FTP over TLS\".");
}

}  // namespace

LoginDialog::LoginDialog(bool implicit_tls, bool active_mode, AnswersTo answers_to)
    : answers_to_(std::move(answers_to)),
      tls_(implicit_tls),
      prot_private_(implicit_tls),
      buffer_size_said_(implicit_tls),
      active_mode_(active_mode) {}

void LoginDialog::tls_started(std::string_view server_name) {
    tls_ = true;
    server_name_ = lower(server_name);
}

std::string LoginDialog::greeting() {
    return reply(220, "Stowage FTPS, ready.");
}

LoginDialog::Step LoginDialog::on(const CommandReader::BadLine& line) {
    if (++lines_ > max_lines) return close_with(421, "Too many lines without a login.");
    return say(500, "Not understood: " + line.reason + ".");
}

LoginDialog::Step LoginDialog::on(Command& command) {
    if (std::find(std::begin(http_verbs), std::end(http_verbs), command.verb) != std::end(http_verbs))
        return {Next::close, ""};
    if (++lines_ > max_lines) return close_with(421, "Too many lines without a login.");
    if (command.verb == "AUTH") return auth(command);
    if (command.verb == "USER") return take_user(command);
    if (command.verb == "PASS") return take_password(command);
    if (command.verb == "PBSZ" || command.verb == "PROT") return protection(command);
    if (command.verb == "HOST") return host(command);
    return small_talk(command);
}

LoginDialog::Step LoginDialog::auth(const Command& command) {
    if (tls_) return say(503, "TLS is on already.");
    const auto mechanism = upper(command.argument);
    if (mechanism == "TLS" || mechanism == "TLS-C") return {Next::start_tls, reply(234, "Go on with TLS.")};
    return say(504, "Only AUTH TLS is known here.");
}

LoginDialog::Step LoginDialog::take_user(const Command& command) {
    if (!tls_) return tls_first();
    if (command.argument.empty()) return say(501, "USER needs a name.");
    user_ = command.argument;
    return say(331, "Password, please.");
}

LoginDialog::Step LoginDialog::take_password(Command& command) {
    password_ = Secret(command.argument);
    explicit_bzero(command.argument.data(), command.argument.size());
    if (!tls_) {
        password_.wipe();
        return tls_first();
    }
    if (user_.empty()) return say(503, "USER first.");
    // PAM is not asked about these, but they are not answered faster: nobody learns which names can exist.
    const message::LoginRequest limits;
    const bool possible = !password_.empty() && password_.reveal().size() <= limits.password.bytes.size() &&
                          parse_user_name(user_);
    return {possible ? Next::log_in : Next::refuse, ""};
}

LoginDialog::Step LoginDialog::refused(message::LoginOutcome outcome, std::string_view text) {
    password_.wipe();
    user_.clear();
    switch (outcome) {
        case message::LoginOutcome::unavailable:
        case message::LoginOutcome::busy:
        case message::LoginOutcome::banned:
            return close_with(421,
                              text.empty() ? "The service is not available now; try again later." : text);
        case message::LoginOutcome::expired:
            text = text.empty() ? "This password has expired; ask the administrator for a new one." : text;
            break;
        default:
            // The same for everybody: nobody learns which labs demand one, nor that a password was right.
            text = certificates_asked_for_
                       ? "User or password are not right, or a client certificate is missing or not "
                         "one that the lab takes."
                       : "User or password are not right.";
    }
    if (++refusals_ < max_refusals) return say(530, text);
    return {Next::close, reply(530, text) + reply(421, "Too many refused logins.")};
}

LoginDialog::Step LoginDialog::protection(const Command& command) {
    if (!tls_) return say(503, "AUTH TLS comes before " + command.verb + ".");
    if (command.verb == "PBSZ") {
        const auto& size = command.argument;
        const bool number = !size.empty() && std::all_of(size.begin(), size.end(),
                                                         [](char c) { return c >= '0' && c <= '9'; });
        if (!number) return say(501, "PBSZ needs a number; 0 is the one for TLS.");
        buffer_size_said_ = true;
        return say(200, "PBSZ=0");
    }
    if (!buffer_size_said_) return say(503, "PBSZ 0 comes before PROT.");
    const auto level = upper(command.argument);
    if (level == "C") return say(534, "Data connections are encrypted here: PROT P.");
    if (level == "S" || level == "E") return say(536, "TLS knows PROT P only.");
    if (level != "P") return say(504, "TLS knows PROT P only.");
    prot_private_ = true;
    return say(200, "Data connections are encrypted.");
}

// RFC 7151. There is one host behind all its names, so that nothing changes but the client's certainty.
LoginDialog::Step LoginDialog::host(const Command& command) const {
    if (!user_.empty()) return say(503, "HOST comes before USER.");
    const auto name = host_in(command.argument);
    if (name.empty()) return say(501, "HOST needs a host name, or an address (IPv6 in brackets).");
    if (!server_name_.empty() && name != server_name_)
        return say(504, "TLS was started for another host name; HOST must be the same.");
    if (!answers_to_(name)) return say(504, "This server does not answer to that host name.");
    return say(220, "This is the right host.");
}

LoginDialog::Step LoginDialog::small_talk(const Command& command) {
    if (command.verb == "QUIT") return close_with(221, "Goodbye.");
    if (command.verb == "NOOP") return say(200, "Here.");
    if (command.verb == "SYST") return say(215, "UNIX Type: L8");
    if (command.verb == "CLNT" || command.verb == "CSID") {
        client_ = command.argument.substr(0, sizeof message::ClientName::bytes);
        return say(200, command.verb == "CSID" ? server_facts : "Noted.");
    }
    if (command.verb == "FEAT")
        return {Next::go_on, reply_lines(211, "Features:", features(active_mode_), "End")};
    if (command.verb == "HELP")
        return say(
            214,
            "Before the login: AUTH HOST PBSZ PROT USER PASS FEAT OPTS CLNT CSID HELP NOOP SYST STAT QUIT.");
    if (command.verb == "STAT")
        return say(211, tls_ ? "Encrypted, not logged in." : "Neither encrypted nor logged in.");
    if (command.verb == "OPTS") {
        const auto option = upper(command.argument);
        if (option == "UTF8 ON" || option == "UTF8") return say(200, "Names are UTF-8, always.");
        if (option == "UTF8 OFF") return say(504, "Names are UTF-8 here, always.");
        return say(501, "Only OPTS UTF8 ON is known before the login.");
    }
    if (!tls_) return tls_first();
    return say(530, "Log in first: USER, then PASS.");
}

}  // namespace stowage::ftps
