// Messages about logins: between front and supervisor, and between supervisor and login.
// Runs in: supervisor, front, login. Distrusts: as messages/basics.hpp says.
#pragma once

#include "gateway/base/messages/basics.hpp"

namespace stowage::message {

/// front -> supervisor: one login. Wipe after use.
struct LoginRequest {
    static constexpr Type type = Type::login_request;
    std::uint64_t session = 0;  ///< the front's number of the control connection
    Nonce nonce{};              ///< stands in every ticket of this control connection
    Address peer, local;        ///< behind a proxy: what it tells of the client, and what the client reached
    Address bound;  ///< where the connection was accepted: data connections are listened for there
    UserName user;
    Text<512> password;
    std::uint16_t tls_version = 0;  ///< 0x0303 or 0x0304
    std::uint8_t prot_private = 0;  ///< PROT P was said before the login, or TLS was implicit
    /// The front saw that user or password cannot be right: no password comes along and PAM is not asked, but
    /// it is a refused login as any other.
    std::uint8_t hopeless = 0;
    ClientName client;  ///< CLNT or CSID said before the login
};

enum class LoginOutcome : std::uint16_t {
    ok = 1,
    denied,       ///< PAM said no, or no such account: the client is told nothing more
    expired,      ///< the password is right but expired
    unavailable,  ///< the lab is not being served, or PAM itself failed: 421
    busy,         ///< too many sessions: 421
    banned,       ///< too many refused logins from this address: 421, and PAM was not asked
};

/// supervisor -> front. On ok one descriptor: the front's end of the session socketpair (SEQPACKET; see
/// session_packet). `text` is for the client's reply.
struct LoginReply {
    static constexpr Type type = Type::login_reply;
    std::uint64_t session = 0;
    LoginOutcome outcome = LoginOutcome::denied;
    LabName lab;
    Text<512> text;
};

/// supervisor -> front: does this session's client certificate verify against these CAs? Asked while the
/// session waits for its LoginReply; answered by ClientVerified with the same session. One
/// descriptor: the CAs, a sealed memfd of PEM.
struct VerifyClient {
    static constexpr Type type = Type::verify_client;
    std::uint64_t session = 0;
};

/// front -> supervisor. `text` is for the log: whose certificate it is, or what is wrong with it.
struct ClientVerified {
    static constexpr Type type = Type::client_verified;
    std::uint64_t session = 0;
    std::uint8_t ok = 0;
    Text<256> text;
};

/// front -> supervisor: the control connection is gone.
struct SessionEnded {
    static constexpr Type type = Type::session_ended;
    std::uint64_t session = 0;
};

/// supervisor -> front: nobody of this network (see client_network()) is let in for so long.
struct PutBan {
    static constexpr Type type = Type::put_ban;
    Address network;
    std::uint32_t seconds = 0;
};

/// supervisor -> front: the ban is lifted before its time. An empty network: all are.
struct LiftBan {
    static constexpr Type type = Type::lift_ban;
    Address network;
};

/// supervisor -> login: the one attempt. Wipe after use.
struct LoginAttempt {
    static constexpr Type type = Type::login_attempt;
    UserName user;
    Text<512> password;
    Address peer;
    Text<64> pam_service;
    Text<256> pam_confdir;  ///< empty: the system's
};

struct LoginResult {
    static constexpr Type type = Type::login_result;
    LoginOutcome outcome = LoginOutcome::denied;
    Text<256> reason;  ///< for the log only
};

}  // namespace stowage::message
