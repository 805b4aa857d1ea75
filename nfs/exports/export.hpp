// What it is to export a lab, whichever NFS server does it.
// Runs in: root_step. Distrusts: the lab's directory (its marker may be a symbolic link or a FIFO).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"

namespace stowage::nfs {

using Uuid = message::Uuid;

/// One lab as NFS clients shall see it: under its own path, every client squashed to the lab's uid and gid.
struct Export {
    std::string lab;   ///< keeps parse_lab_name()'s rules
    std::string path;  ///< absolute, `<labs.root>/<lab>`; clients mount the same path
    std::uint32_t uid = 0, gid = 0;
    std::uint16_t export_id = 0;                 ///< NFS-Ganesha's Export_Id, 1..65535, stable per lab
    Uuid fsid{};                                 ///< exports(5) fsid=, stable per lab
    std::vector<std::string> clients;            ///< canonical networks that read and write
    std::vector<std::string> read_only_clients;  ///< and those that only read; at least one of both
    std::string security = "sys";                ///< exports(5) sec=
    std::string transport = "none";              ///< exports(5) xprtsec=

    bool admits(const std::string& network) const;
    bool reads_only(const std::string& network) const;
};

/// What the server serves for a lab, compared with what it should.
struct ExportState {
    bool present = false;              ///< something of ours for this lab is there, right or not
    bool as_meant = false;             ///< served just as publish() with the same argument would have it
    std::string server;                ///< "kernel nfsd" or "nfs-ganesha"
    std::string why;                   ///< not as_meant: what differs
    std::vector<std::string> clients;  ///< to whom it is served now, as Client texts: "10.0.0.0/8:ro"
};

/// "6f1b7f0c-8f2e-4b53-9a5e-000000000001"
std::string to_text(const Uuid& uuid);

/// Everything but the directory: lab name, absolute path, ids, networks. Code::invalid names the field.
Result<void> check_fields(const Export& meant);

/// The directory is there and root's `.stowage/lab` in it names this lab in its first line: so it is the
/// lab's own filesystem and not the empty directory under a missing mount, which a server would export just
/// as well. Follows no symbolic link below `path`. Code::unavailable when the marker is missing or names
/// another lab.
Result<void> check_directory(const std::string& lab, const std::string& path);

/// For an export that is there already and only changes: a pod may have moved `.stowage` away and filled the
/// lab, so that root cannot put it back, and must not so keep clients from being withdrawn. True if no marker
/// of root's is there, whatever else has its name, and the directory is the lab's own by owner and group and
/// holds something: no empty mount point.
bool is_lab_without_marker(const Export& meant);

/// Where the filesystem of `path` is mounted: `path` itself or the nearest folder above it. Empty when that
/// is
/// "/", which is always mounted, or a name that exports(5) cannot hold as an option, see fits_into_etab().
Result<std::string> mount_point_of(const std::string& path);

}  // namespace stowage::nfs
