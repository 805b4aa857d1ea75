// Kernel nfsd or NFS-Ganesha.
// Runs in: supervisor, CLI.
#include <unistd.h>

#include <cstdlib>

#include "gateway/base/atomic_file.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage {

NfsChoice choose_nfs_server(const Config& config) {
    if (config.nfs.server != NfsServer::automatic) return {config.nfs.server, "nfs.server says so"};
    const auto threads = read_file("/proc/fs/nfsd/threads", 64);
    if (!threads || std::strtol(threads->c_str(), nullptr, 10) <= 0)
        return {NfsServer::ganesha, "the kernel's nfsd does not run here"};
    if (::access("/usr/sbin/exportfs", X_OK) != 0)
        return {NfsServer::ganesha, "the kernel's nfsd runs, but exportfs(8) is not installed"};
    return {NfsServer::kernel, "the kernel's nfsd runs"};
}

}  // namespace stowage
