// What the controller tells the supervisor, and asks it.
// Runs in: controller, supervisor. Distrusts: as messages/basics.hpp says.
#pragma once

#include "gateway/base/messages/basics.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::message {

/// controller -> supervisor: this lab may be served over FTPS.
struct PutLab {
    static constexpr Type type = Type::put_lab;
    LabName lab;
    std::uint32_t uid = 0, gid = 0;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;
    std::uint8_t durable = 1, resumption_optional = 0;  ///< as in LabSettings
    /// 1: they are demanded, and the CAs come along: one descriptor, a sealed memfd of PEM.
    std::uint8_t client_certificates = 0;
};

struct RemoveLab {
    static constexpr Type type = Type::remove_lab;
    LabName lab;
};

/// controller -> supervisor: this user logs in to this lab.
struct PutAccount {
    static constexpr Type type = Type::put_account;
    UserName user;
    LabName lab;
};

struct RemoveAccount {
    static constexpr Type type = Type::remove_account;
    UserName user;
};

/// controller -> supervisor: labs and accounts are told whole; what was not named since start is forgotten.
struct AccountsComplete {
    static constexpr Type type = Type::accounts_complete;
    std::uint32_t reserved = 0;
};

struct StatusQuery {
    static constexpr Type type = Type::status_query;
    std::uint32_t reserved = 0;
};

/// supervisor -> controller: one per process, then StatusEnd.
struct StatusEntry {
    static constexpr Type type = Type::status_entry;
    Text<32> process;  ///< "front", "worker", "ganesha", …
    LabName lab;       ///< of a worker
    std::uint32_t pid = 0;
    std::uint32_t restarts = 0;
    std::uint32_t sessions = 0;
    std::int64_t started_at = 0;
    std::uint8_t running = 0;
};

struct StatusEnd {
    static constexpr Type type = Type::status_end;
    std::uint32_t reserved = 0;
};

/// controller -> supervisor: sessions with numbers above `after`, as many as one answer holds: a SessionEntry
/// each, then ListEnd.
struct SessionsQuery {
    static constexpr Type type = Type::sessions_query;
    std::uint64_t after = 0;
};

/// supervisor -> controller.
struct SessionEntry {
    static constexpr Type type = Type::session_entry;
    std::uint64_t session = 0;
    UserName user;
    LabName lab;
    Address peer;
    std::int64_t since = 0;     ///< seconds since the epoch
    std::uint8_t answered = 0;  ///< 0: the lab's worker did not say in time what it is doing
    Doing doing;
};

/// controller -> supervisor: the bans that hold, of networks whose text sorts behind `after`, as many as one
/// answer holds: a BanEntry each, then ListEnd.
struct BansQuery {
    static constexpr Type type = Type::bans_query;
    Address after;
};

struct BanEntry {
    static constexpr Type type = Type::ban_entry;
    Address network;
    std::int64_t since = 0, until = 0;  ///< seconds since the epoch
    std::uint32_t failures = 0;
    UserName user;  ///< the last name that was tried; the client's bytes
};

/// supervisor -> controller: the end of a list. `more` is not 0 when there is more: ask again after the last
/// one.
struct ListEnd {
    static constexpr Type type = Type::list_end;
    std::uint8_t more = 0;
};

/// controller -> supervisor: forgives one network, or all when it is empty. Answered by ActionReply.
struct ClearBans {
    static constexpr Type type = Type::clear_bans;
    Address network;
};

/// supervisor -> controller. `code` 0 is success, else a stowage::Code.
struct ActionReply {
    static constexpr Type type = Type::action_reply;
    std::uint16_t code = 0;
    Text<256> what;
    Text<256> remedy;
    std::uint32_t count = 0;  ///< how many bans were lifted, sessions ended
};

}  // namespace stowage::message
