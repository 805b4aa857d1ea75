// Does the lab really work over NFS? Mounted, written, read back, owned by the lab, removed.
// Runs in: controller. Distrusts: the NFS server; what it says is compared with what was asked.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::nfs {

struct MountCheckRequest {
    std::string server;  ///< numeric address
    std::uint16_t port = 2049;
    std::string path;  ///< as a pod mounts it, "/mnt/nfs/lab1"
    std::uint32_t uid = 0, gid = 0;
    bool read_only = false;         ///< the export lets `server` itself, whence the check comes, read only
    bool v3 = false;                ///< by NFSv3 too
    bool at_limit = false;          ///< "no space" is then the lab's own limit, and not the whole storage's
    std::uint64_t quota_bytes = 0;  ///< the lab's limit; 0: none
    /// Server and filesystem show clients the limit as the size of the whole (statfs(2) of the lab's
    /// directory).
    bool quota_is_shown = false;
    std::chrono::seconds limit{30};
};

struct CheckedStep {
    std::string
        name;  ///< "mounted", "wrote", "read back", "owner", "quota seen", "removed", "NFSv3", in this order
    bool ok = false;
    std::int64_t ms = 0;
    std::string detail;  ///< what was seen, or what is wrong and what to do about it
};

struct MountCheckReport {
    std::vector<CheckedStep>
        steps;          ///< up to the first that failed; then "removed" if there was a file to remove
    Error error;        ///< of the first step that failed; meaningless when ok()
    bool full = false;  ///< what was to be written was refused for the lab's limit, and that is as asked

    bool ok() const;
};

/// Mounts the lab by NFSv4 in this process, makes the file `.stowage-check` in it, writes and fsyncs it,
/// reads it back, compares its owner with uid:gid and the size that it shows with the limit, and removes it,
/// also after a failure; what a killed check
/// left goes first. With `v3` all but the owner once more by NFSv3, as one step. Of a `read_only` export the
/// lab's directory is looked at, and nothing is written; so of a lab that is full, which is no failure: a
/// limit admits nothing new. One check of a lab at a time. Waits for the end of the server's grace period
/// within the limit. Never throws for what the server does; done within `limit`.
boost::asio::awaitable<MountCheckReport> check_mount(MountCheckRequest request);

}  // namespace stowage::nfs
