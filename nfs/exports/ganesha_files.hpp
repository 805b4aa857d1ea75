// NFS-Ganesha's files: its configuration, one file per export, the index of them, the bus configuration.
// Runs in: root_step, the Ganesha launcher. Distrusts: nothing but our own files; they are root's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"
#include "nfs/exports/export.hpp"

namespace stowage::nfs {

/// Paths. All but the socket lie under `<state_dir>/ganesha`, which is root's alone (0700).
struct GaneshaFiles {
    std::string directory;
    std::string server_config, index, exports_dir, recovery_dir, credentials_dir, pid_file, lock_file;
    std::string bus_config;
    std::string bus_socket;  ///< in run_dir, or the system's bus

    std::string export_file(const std::string& lab) const { return exports_dir + "/" + lab + ".conf"; }
    /// What DBUS_SYSTEM_BUS_ADDRESS takes.
    std::string bus_address() const;
};

GaneshaFiles ganesha_files(const Config& config);

/// Makes the directories, root's and closed to others. Code::denied if somebody else owns one.
Result<void> make_directories(const GaneshaFiles& files);

/// ganesha.conf: NFSv4 alone, no rpcbind, no UDP, labs served under their own paths. Code::config for a
/// state_dir that Ganesha's syntax cannot hold.
Result<std::string> render_server_config(const Config& config, const GaneshaFiles& files);

/// The private bus: root alone may connect. Its listening socket is inherited (LISTEN_FDS).
std::string render_bus_config();

/// The EXPORT block of a lab. Code::unsupported for paths that Ganesha's syntax cannot hold.
Result<std::string> render_export_block(const Export& meant);

/// What an export file says about itself, from its leading comments.
struct RecordedExport {
    std::string lab, path;
    std::uint16_t export_id = 0;
};
Result<RecordedExport> parse_export_block(std::string_view text);
/// Of every export file, also of labs that are gone; files that are not ours are left out.
Result<std::vector<RecordedExport>> recorded_exports(const GaneshaFiles& files);

/// An export that is recorded but must not be served now.
struct SkippedExport {
    std::string lab;
    Error why;
};

/// Writes the `%include` lines of all recorded exports whose directory is there and marked as the lab's: a
/// missing file would keep Ganesha from starting, an unmounted directory would be served in the lab's place.
/// Of two files with one Export_Id, Ganesha would take the first: the second is left out. Returns the others,
/// and those whose filesystem does not answer within `limit`. Removes what writes that were killed left.
/// Call with the lock held.
Result<std::vector<SkippedExport>> rebuild_index(const GaneshaFiles& files,
                                                 std::chrono::milliseconds limit = std::chrono::seconds(5));

/// One lab's line, whose directory its caller has looked at: no other lab is, for one of them may hang.
/// Call with the lock held.
Result<void> put_into_index(const GaneshaFiles& files, const std::string& lab);
Result<void> take_from_index(const GaneshaFiles& files, const std::string& lab);

}  // namespace stowage::nfs
