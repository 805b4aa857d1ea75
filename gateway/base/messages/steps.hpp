// Steps that need root: from the controller by way of the supervisor to root_step, and back.
// Runs in: controller, supervisor, root_step. Distrusts: as messages/basics.hpp says.
#pragma once

#include "gateway/base/messages/basics.hpp"

namespace stowage::message {

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
    stop_set_quota,    ///< the supervisor itself: kills what set_quota of this lab is under way
};

/// controller -> supervisor -> root_step. Fields that a step does not use stay zero.
struct StepRequest {
    static constexpr Type type = Type::step_request;
    Step step = Step::observe_lab;
    LabName lab;
    std::uint8_t labs_were_made = 0;  ///< make_directory: not on a filesystem that does not bear our mark
    std::uint8_t only_mount = 0;      ///< make_directory: what else differs of a lab that is there stays
    /// publish_export: of an export that is on file, those who are no clients any more are taken away, and
    /// nobody is added; withdraw_export: the directory is not unmounted. Neither looks at the lab.
    std::uint8_t only_server = 0;
    std::uint8_t labs_root_known =
        0;             ///< that mark has been seen: a lab's own mark beside another proves nothing
    Uuid labs_root{};  ///< of the mark of the labs' filesystem; zero: any mark is
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
    std::uint8_t root_marked = 0;   ///< labs.root is the filesystem on which labs were made
    std::uint8_t root_foreign = 0;  ///< it is known by its mark not to be
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
    std::uint32_t marked_uid = 0;     ///< our marker names this lab with another uid
    LabName uid_owner;          ///< of a lab that is not there or bears no mark: another one has its uid
    Text<700> quota_why;        ///< why this backend; with none also how to switch quotas on
    std::uint8_t exported = 0;  ///< the server serves it just as publish_export with these arguments would
    std::uint8_t export_present = 0;  ///< some export of ours for this lab is there, right or not
    /// Its file says what is meant: if it is not served so, the server alone has lost it.
    std::uint8_t export_on_file = 0;
    Text<4096> exported_to;  ///< networks to which it is served now, as `clients` of a request; no own checks
};

/// root_step -> supervisor -> controller. `code` 0 is success, else a stowage::Code.
struct StepReply {
    static constexpr Type type = Type::step_reply;
    std::uint16_t code = 0;
    Text<1024> what;
    Text<512> remedy;
    LabObservation observation;
};

/// root_step -> supervisor -> controller: one client of the NFS server, for list_nfs_clients. Where an NFSv4
/// client's files are open follows in further entries of it, with a path each.
struct NfsClientEntry {
    static constexpr Type type = Type::nfs_client_entry;
    Address address;
    Text<8> version;           ///< "4.2", "3"
    Text<256> name;            ///< what the client calls itself: its bytes; may be empty
    Text<256> path;            ///< what it has mounted (NFSv3); in which lab `opens` files are open (NFSv4)
    std::int64_t seen_s = -1;  ///< seconds since it was last heard of; -1: the server does not tell
    std::uint32_t opens = 0;   ///< files that it has open (NFSv4), or opens_not_told
};
inline constexpr std::uint32_t opens_not_told = 0xffffffff;
/// As many as are told; beyond them the list is cut.
inline constexpr std::size_t most_nfs_clients = 2000;

}  // namespace stowage::message
