// Messages that start children and end them, and the keys that they are given.
// Runs in: every process but the CLI. Distrusts: as messages/basics.hpp says.
#pragma once

#include "gateway/base/messages/basics.hpp"

namespace stowage::message {

/// First packet to the front. Descriptor: the sealed configuration.
struct StartFront {
    static constexpr Type type = Type::start_front;
    std::uint32_t uid = 0, gid = 0;
    /// The highest number that an earlier front gave to a session: workers may still have it.
    std::uint64_t last_session = 0;
};

/// First packet to a worker. Descriptor: the sealed configuration.
struct StartWorker {
    static constexpr Type type = Type::start_worker;
    LabName lab;
    std::uint32_t uid = 0, gid = 0;
    Text<1024> directory;  ///< absolute path of the lab; becomes the root directory
    std::array<std::uint8_t, 32>
        hash_key{};  ///< of this lab's kept file hashes (ftps/worker/hash_attribute.hpp)
};

/// First packet to the controller. Descriptors: the sealed configuration, the listening control socket, and,
/// when runai.client_secret_file is set, a sealed memfd with that file's text (the file itself is root's
/// alone). The controller's own folder is `<state_dir>/controller` (0700, its uid), made by the supervisor:
/// stowage.db is there.
struct StartController {
    static constexpr Type type = Type::start_controller;
    std::uint32_t uid = 0, gid = 0;
    std::uint32_t admin_gid = 0;  ///< members of this group, and root, may use the control socket
};

/// First packet to stowage-nfs-server (argv[1] is "dbus" or "ganesha"). Descriptor: the sealed configuration.
/// The answer is Ready, sent right before exec: descriptor 3 closes then, while the process lives on.
struct StartNfsServer {
    static constexpr Type type = Type::start_nfs_server;
    std::uint32_t reserved = 0;
};

/// One descriptor: a bound, listening TCP socket.
struct Listener {
    static constexpr Type type = Type::listener;
    std::uint8_t implicit_tls = 0;
};

/// Two descriptors: certificate chain and private key (PEM, sealed memfds). To the front, and to the workers
/// of labs whose data_tls_resumption is optional. Sent again on a reload.
/// A third one is an OCSP response (DER) to staple until `ocsp_until`.
struct Certificate {
    static constexpr Type type = Type::certificate;
    std::uint8_t request_client_certificate = 0;  ///< some lab demands one: ask each client for it
    std::int64_t ocsp_until = 0;                  ///< seconds since the epoch; 0: there is no OCSP response
};

/// A session ticket key (RFC 5077 §4 construction: AES-256-CBC and HMAC-SHA-256). The newest encrypts; up to
/// `ticket_keys_kept` older ones still decrypt.
struct TicketKey {
    static constexpr Type type = Type::ticket_key;
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> aes{};
    std::array<std::uint8_t, 32> hmac{};
};
inline constexpr std::size_t ticket_keys_kept =
    25;  // hourly: a TLS 1.2 session cannot renew its ticket, so a day

/// supervisor -> front, worker, controller: take nothing new, finish what runs, then exit.
struct Drain {
    static constexpr Type type = Type::drain;
    std::uint32_t limit_seconds = 0;
};

/// child -> supervisor: narrowed and serving.
struct Ready {
    static constexpr Type type = Type::ready;
    std::uint32_t reserved = 0;
};

}  // namespace stowage::message
