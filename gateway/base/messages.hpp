// Every message that crosses a process boundary: fixed structs, one per SEQPACKET packet, size-capped.
// Runs in: every process but the CLI. Distrusts: each field, until it was checked by its receiver; who may
// send which message when is in gateway/supervisor/admission.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace stowage::message {

/// Text in a message: a length and N bytes, never terminated. assign() cuts nothing: it answers false when
/// the text does not fit.
template <std::size_t N>
struct Text {
    std::uint16_t size = 0;
    std::array<char, N> bytes{};

    [[nodiscard]] bool assign(std::string_view text) {
        if (text.size() > N) return false;
        bytes.fill(0);
        size = static_cast<std::uint16_t>(text.size());
        std::memcpy(bytes.data(), text.data(), text.size());
        return true;
    }
    /// As assign(), but keeps the first N bytes: for texts that are only shown.
    void assign_cut(std::string_view text) { (void)assign(text.substr(0, N)); }
    /// A hostile length never reaches past the array.
    std::string_view view() const { return {bytes.data(), size <= N ? size : std::size_t{0}}; }
    std::string str() const { return std::string(view()); }
};

using LabName = Text<57>;
using UserName = Text<64>;
using Address = Text<48>;      ///< numeric IPv4 or IPv6 text, an IPv4-mapped address as plain IPv4
using ClientName = Text<80>;   ///< what the client calls itself: any bytes
using Address = Text<48>;      ///< numeric IPv4 or IPv6 text, an IPv4-mapped address as plain IPv4
using ClientCas = Text<6144>;  ///< PEM: the CAs that client certificates of a lab must lead to
using Nonce = std::array<std::uint8_t, 16>;
using Uuid = std::array<std::uint8_t, 16>;

enum class Type : std::uint16_t {
    // supervisor -> any child, first packet
    start_front = 1,
    start_worker,
    start_controller,
    // supervisor -> front
    listener,
    login_reply,
    verify_client,
    // supervisor -> front and worker
    certificate,
    ticket_key,
    drain,
    // front -> supervisor
    login_request,
    session_ended,
    client_verified,
    // supervisor -> front
    put_ban,
    lift_ban,
    // supervisor -> worker
    session_start,
    lab_settings,
    activity_query,
    lab_usage,
    // worker -> supervisor
    idle,
    activity,
    usage_query,
    // any child -> supervisor
    ready,
    // controller -> supervisor
    put_lab,
    remove_lab,
    put_account,
    remove_account,
    accounts_complete,
    step_request,
    status_query,
    sessions_query,
    bans_query,
    clear_bans,
    // controller -> supervisor -> worker and front
    end_session,
    // supervisor -> controller
    session_entry,
    ban_entry,
    list_end,
    action_reply,
    step_reply,
    status_entry,
    status_end,
    // supervisor <-> login
    login_attempt,
    login_result,
    // supervisor -> nfs_server, first packet
    start_nfs_server,
    // root_step -> supervisor -> controller
    nfs_client_entry,
};

/// In front of each struct. `id` pairs a reply with its request; 0 where nothing is answered.
struct Header {
    Type type;
    std::uint16_t reserved = 0;
    std::uint32_t id = 0;
};

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
    std::int64_t made_at = 0;  ///< seconds since the epoch
};
inline constexpr std::size_t ticket_keys_kept =
    25;  // hourly: a TLS 1.2 session cannot renew its ticket, so a day

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
/// session waits for its LoginReply; answered by ClientVerified with the same session.
struct VerifyClient {
    static constexpr Type type = Type::verify_client;
    std::uint64_t session = 0;
    ClientCas cas;
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

enum class QuotaBackend : std::uint8_t { none = 1, btrfs, xfs, ext4, cephfs };

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

/// supervisor -> front, worker, controller: take nothing new, finish what runs, then exit.
struct Drain {
    static constexpr Type type = Type::drain;
    std::uint32_t limit_seconds = 0;
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

/// child -> supervisor: narrowed and serving.
struct Ready {
    static constexpr Type type = Type::ready;
    std::uint32_t reserved = 0;
};

/// controller -> supervisor: this lab may be served over FTPS.
struct PutLab {
    static constexpr Type type = Type::put_lab;
    LabName lab;
    std::uint32_t uid = 0, gid = 0;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;
    std::uint8_t durable = 1, resumption_optional = 0;  ///< as in LabSettings
    ClientCas client_cas;                               ///< empty: no client certificates are asked for
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

/// What root_step can do. Each is idempotent: done twice it is done once.
enum class Step : std::uint16_t {
    observe_lab = 1,  ///< reads: directory, owner, mount, quota, usage, export
    observe_quota,    ///< reads: quota and usage
    make_directory,   ///< directory or subvolume, mount, owner, mode 2770, marker
    set_quota,
    publish_export,   ///< or change it
    withdraw_export,  ///< and unmount, so that the data can be kept or purged
    purge_directory,  ///< deletes the lab's data; only after withdraw_export
    set_password,     ///< FTPS account in the pwdfile
    remove_password,
    list_nfs_clients,  ///< reads: who is connected to the NFS server; NfsClientEntry packets before the reply
};

/// controller -> supervisor -> root_step. Fields that a step does not use stay zero.
struct StepRequest {
    static constexpr Type type = Type::step_request;
    Step step = Step::observe_lab;
    LabName lab;
    std::uint32_t uid = 0, gid = 0;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;
    std::uint32_t project_id = 0;  ///< the lab's, where XFS or ext4 count by projects; 0: it has none yet
    std::uint16_t export_id = 0;   ///< NFS-Ganesha Export_Id, stable per lab, 1..65535
    Uuid fsid{};                   ///< exports(5) fsid=, stable per lab
    Text<4096> clients;            ///< as parse_client() takes them, canonical, comma-separated
    UserName user;
    Text<256> password_hash;  ///< crypt(5), made by the controller
};

/// What observe_lab saw; observe_quota fills in quota and usage only.
struct LabObservation {
    std::uint8_t root_marked = 0;  ///< labs.root is the filesystem on which labs were made
    std::uint8_t directory_exists = 0;
    std::uint8_t marked = 0;          ///< our marker names this lab: we made the directory
    std::uint8_t empty = 0;           ///< nothing in it but what is ours
    std::uint8_t mounted = 0;         ///< btrfs: the subvolume is mounted on itself; else 1
    std::uint8_t open_to_others = 0;  ///< what is made in it may have rights for others
    std::uint32_t uid = 0, gid = 0, mode = 0;
    QuotaBackend quota_backend = QuotaBackend::none;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;  ///< as set now; 0: no limit
    std::uint64_t used_bytes = 0, used_inodes = 0;
    std::uint64_t disk_free_bytes = 0, disk_free_inodes = 0;  ///< of the whole filesystem
    std::uint32_t project_id = 0;                             ///< what the directory hands down; 0: none
    std::uint8_t project_whole = 0;                           ///< and all that is in it has it
    std::uint32_t project_offer = 0;  ///< an id that nobody else uses, for a lab without one
    Text<700> quota_why;              ///< why this backend; with none also how to switch quotas on
    std::uint8_t exported = 0;  ///< the server serves it just as publish_export with these arguments would
    std::uint8_t export_present = 0;  ///< some export of ours for this lab is there, right or not
};

/// root_step -> supervisor -> controller. `code` 0 is success, else a stowage::Code.
struct StepReply {
    static constexpr Type type = Type::step_reply;
    std::uint16_t code = 0;
    Text<1024> what;
    Text<512> remedy;
    LabObservation observation;
};

/// root_step -> supervisor -> controller: one client of the NFS server, for list_nfs_clients.
struct NfsClientEntry {
    static constexpr Type type = Type::nfs_client_entry;
    Address address;
    Text<8> version;           ///< "4.2", "3"
    Text<256> name;            ///< what the client calls itself: its bytes; may be empty
    Text<256> path;            ///< what it has mounted, where the server tells (NFSv3)
    std::int64_t seen_s = -1;  ///< seconds since it was last heard of; -1: the server does not tell
    std::uint32_t opens = 0;   ///< files that it has open (NFSv4)
};
/// As many as are told; beyond them the list is cut.
inline constexpr std::size_t most_nfs_clients = 2000;

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
    std::uint32_t restarting_front = 0;
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

/// controller -> supervisor -> worker, and to the front if the worker does not: a session ends by an
/// administrator's wish. The supervisor answers the controller with ActionReply.
struct EndSession {
    static constexpr Type type = Type::end_session;
    std::uint64_t session = 0;
};

/// supervisor -> controller. `code` 0 is success, else a stowage::Code.
struct ActionReply {
    static constexpr Type type = Type::action_reply;
    std::uint16_t code = 0;
    Text<256> what;
    Text<256> remedy;
    std::uint32_t count = 0;  ///< how many bans were lifted, sessions ended
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

/// The largest struct above with its header, and some room.
inline constexpr std::size_t max_packet_bytes = 8192;
/// The most descriptors that one packet may carry.
inline constexpr std::size_t max_packet_fds = 4;

}  // namespace stowage::message

namespace stowage::session_packet {

// Between front and worker, per session: SEQPACKET packets of one kind byte and a payload. End of file on
// either side ends the session.
/// front -> worker, at most once and before any data: the control connection's TLS 1.2 session (DER) of a
/// client that wants no tickets (libcurl), so that it can resume by session id.
inline constexpr char tls_session = 'S';
/// plaintext of the control connection, either way, at most max_payload bytes
inline constexpr char data = 'D';
/// worker -> front: send the client a fresh session ticket before what follows
inline constexpr char ticket = 'T';
/// worker -> front: send what is queued, then close_notify and close
inline constexpr char close = 'C';
inline constexpr std::size_t max_payload = 16384;

}  // namespace stowage::session_packet
