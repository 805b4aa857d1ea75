// Messages about sessions and their lab, between supervisor and worker.
// Runs in: supervisor, worker. Distrusts: as messages/basics.hpp says.
#pragma once

#include "gateway/base/messages/basics.hpp"

namespace stowage::message {

/// supervisor -> worker: a logged-in session. One descriptor: the worker's end of the socketpair.
struct SessionStart {
    static constexpr Type type = Type::session_start;
    std::uint64_t session = 0;
    Nonce nonce{};
    UserName user;
    Address peer, local, bound;  ///< as in LoginRequest
    std::uint16_t tls_version = 0;
    std::uint8_t prot_private = 0;  ///< as in LoginRequest
    ClientName client;
};

/// supervisor -> worker, at start and on every change.
struct LabSettings {
    static constexpr Type type = Type::lab_settings;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;  ///< 0: no limit
    std::uint8_t durable = 1;                         ///< a 226 means that the upload is on disk
    std::uint8_t resumption_optional = 0;             ///< 0: forget the certificate that came before
};

/// worker -> supervisor: how much does the lab hold? At most one at a time: the next only after the answer.
struct UsageQuery {
    static constexpr Type type = Type::usage_query;
    std::uint32_t reserved = 0;
};

/// supervisor -> worker, once per UsageQuery, at most once a second: what enforces the lab's quota, as root
/// sees it. `code` 0 is success, else a stowage::Code, and the rest is empty.
struct LabUsage {
    static constexpr Type type = Type::lab_usage;
    std::uint16_t code = 0;
    QuotaBackend backend = QuotaBackend::none;
    std::uint64_t limit_bytes = 0, limit_inodes = 0;  ///< 0: no limit
    std::uint64_t used_bytes = 0, used_inodes = 0;    ///< 0 where the backend does not count them
    /// Of the whole filesystem: below a project or a CephFS quota statfs(2) tells the lab's own.
    std::uint64_t disk_free_bytes = 0, disk_free_inodes = 0;
};

/// worker -> supervisor: no session for a while. The supervisor closes the channel unless one is on its way.
struct Idle {
    static constexpr Type type = Type::idle;
    std::uint64_t sessions_started = 0;  ///< how many SessionStart this worker has received in all
};

/// supervisor -> worker: what is this session doing? The answer carries the query's id.
struct ActivityQuery {
    static constexpr Type type = Type::activity_query;
    std::uint64_t session = 0;
};

/// What a session is doing. Verb, path and client are the client's bytes.
struct Doing {
    Text<8> verb;              ///< empty: it waits for a command
    Text<480> path;            ///< or the argument; cut in front
    ClientName client;         ///< CLNT or CSID
    std::uint64_t bytes = 0;   ///< that the transfer has moved
    std::uint64_t ms = 0;      ///< since the command began
    std::uint32_t idle_s = 0;  ///< since the last command ended or a byte of data moved
};

/// worker -> supervisor: one of its own sessions, asked for.
struct Activity {
    static constexpr Type type = Type::activity;
    std::uint64_t session = 0;
    Doing doing;
};

/// controller -> supervisor -> worker, and to the front if the worker does not: a session ends by an
/// administrator's wish. The supervisor answers the controller with ActionReply.
struct EndSession {
    static constexpr Type type = Type::end_session;
    std::uint64_t session = 0;
};

}  // namespace stowage::message
