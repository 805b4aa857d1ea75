// Who is connected to the NFS server.
// Runs in: root_step. Distrusts: what clients call themselves, and their number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "nfs/exports/exporter.hpp"

namespace stowage::nfs {

struct OpensInLab {
    std::string lab;
    std::uint32_t opens = 0;
};

struct ConnectedClient {
    std::string address;
    std::string version;       ///< "4.2", "3"
    std::string name;          ///< the client's own bytes, as the server escapes them; may be empty
    std::string path;          ///< what it has mounted: nfsd tells it of NFSv3 only
    std::int64_t seen_s = -1;  ///< seconds since it was last heard of; -1: not told
    std::optional<std::uint32_t> opens = 0;  ///< files that it has open; none: not told
    std::vector<OpensInLab> labs = {};       ///< where, as far as the server tells
};

/// How the mount check of the controller calls itself (nfs/check).
inline constexpr std::string_view mount_check_name = "stowage-check-";
/// Whether it is one, and not somebody who calls himself so.
bool is_own_check(const ConnectedClient& client, std::string_view check_address);

/// A file /proc/fs/nfsd/clients/N/info; nothing when it is none. Pure.
std::optional<ConnectedClient> parse_client_info(std::string_view text);

/// An open file as /proc/fs/nfsd/clients/N/states has it. The name is the pods' choice, line ends included.
struct OpenFile {
    std::string device;  ///< "8:1", as mountinfo writes it
    std::uint64_t inode = 0;
    std::string name;  ///< its last two components: "lab1/file"
};
/// The "clientid" of such a file; nothing when it has none. Pure.
std::optional<std::uint64_t> parse_client_id(std::string_view info);
/// Of a file /proc/fs/nfsd/clients/N/states. nfsd writes names as they are, so that what looks like a line
/// may be part of a name: those count that begin with the client's id, of which a pod knows no more than that
/// it is random. Opens without such a superblock are told with an empty device. Pure.
std::vector<OpenFile> parse_opens(std::string_view text, std::uint64_t client_id);

/// Labs that are filesystems of their own: device to lab. The device of labs.root, and one that several labs
/// share, tell of no lab. Pure.
std::map<std::string, std::string> labs_by_device(std::string_view mountinfo, std::string_view labs_root);

/// The filesystem ("8:1") of each mount's number. Pure.
std::map<std::uint64_t, std::string> devices_by_mount(std::string_view mountinfo);

/// rmtab(5): NFSv3 mounts, as clients told of them. One that went without a word stays in it. Pure.
std::vector<ConnectedClient> parse_rmtab(std::string_view text);

/// At most `most`, without the gateway's own mount checks where the server tells names. In which lab a file
/// is open, nfsd tells by device and inode: known of labs with a filesystem of their own, else of files in
/// the lab's topmost directory. Code::unavailable when the server does not run. Blocking, bounded.
Result<std::vector<ConnectedClient>> list_clients(const Exporter& exporter, std::size_t most);

}  // namespace stowage::nfs
