// A private bus and NFS-Ganesha, started as the supervisor starts them, on a free port and a directory of
// their own.
// Runs in: system tests of nfs, as root.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "nfs/check/mount_check.hpp"
#include "nfs/exports/exporter.hpp"

namespace stowage::nfs::testing {

/// Empty, or why this machine cannot run Ganesha.
std::string reason_to_skip();

/// A TCP port on the loopback that nobody uses now.
std::uint16_t free_port();

/// check_mount() to its end.
MountCheckReport check(MountCheckRequest request);

/// The step of that name, as "ok: detail" or "failed: detail"; empty if it was not reached.
std::string step(const MountCheckReport& report, const std::string& name);

/// True when the process is gone within `limit`.
bool gone_within(const Fd& pidfd, std::chrono::milliseconds limit);

class GaneshaRun {
  public:
    GaneshaRun();
    ~GaneshaRun();
    GaneshaRun(const GaneshaRun&) = delete;

    void start_bus();
    void start_ganesha();
    void kill_ganesha();
    void kill_bus();

    /// A marked lab directory, owned by its uid (mode 2770), and the export of it for 127.0.0.0/8.
    Export make_lab(const std::string& name, std::uint16_t export_id);
    MountCheckRequest request(const Export& lab) const;

    Exporter exporter() const;
    GaneshaExporter ganesha() const { return std::get<GaneshaExporter>(exporter()); }
    const std::string& directory() const { return directory_; }
    pid_t bus_pid() const { return bus_.pid; }
    pid_t ganesha_pid() const { return ganesha_.pid; }

    Config config;

  private:
    struct Child {
        pid_t pid = -1;
        Fd pidfd;
    };
    Child start(const char* role) const;
    static void end(Child& child);

    std::string directory_, config_text_;
    Child bus_, ganesha_;
};

}  // namespace stowage::nfs::testing
