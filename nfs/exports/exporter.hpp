// Publishing labs over NFS: one of two servers behind the same four functions.
// Runs in: root_step. Blocking. Distrusts: what the servers answer; each change is read back.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>

#include "gateway/base/config.hpp"
#include "nfs/exports/export.hpp"
#include "nfs/exports/ganesha_files.hpp"

namespace stowage::nfs {

class GaneshaBus;

/// The kernel's nfsd: a file in /etc/exports.d, exportfs(8), etab.
struct KernelExporter {
    std::string exports_dir;
    std::string lock_file;
    std::string labs_root;
    std::string main_file = "/etc/exports";
    std::string etab = "/var/lib/nfs/etab";
    std::string exportfs = "/usr/sbin/exportfs";
    std::string check_address;  ///< whence the controller's mount checks come
    std::uint16_t port = 0;     ///< nfsd's, where nobody else may listen; 0: not looked at
    std::chrono::milliseconds limit = std::chrono::seconds(20);  ///< of one exportfs run: it may ask DNS

    std::string file_of(const std::string& lab) const { return exports_dir + "/stowage-" + lab + ".exports"; }
};

/// NFS-Ganesha: a file per export, and D-Bus on a private bus.
struct GaneshaExporter {
    GaneshaFiles files;
    std::string labs_root;
    bool foreign = false;  ///< a service that is not ours, with exports that are not ours
    std::chrono::milliseconds limit = std::chrono::seconds(15);  ///< for it to come up, and of each call
    std::shared_ptr<GaneshaBus> bus = {};  ///< of the last observe(): the next one uses it too
};

using Exporter = std::variant<KernelExporter, GaneshaExporter>;

/// The exporter of the configured server, see choose_server().
Result<Exporter> make_exporter(const Config& config);

/// Makes the server serve just `meant`: adds or changes this lab's export and touches no other, reads it
/// back, and on failure puts back what was there before. Nothing is written when it is so already. Clients
/// keep their open files through a change. Blocks, at most a few times `limit`. Code::invalid for wrong
/// fields, Code::unavailable when the server does not answer or the lab's marker is not there (see
/// check_directory()), Code::differs when foreign exports files stand in the way.
Result<void> publish(Exporter& exporter, const Export& meant);

/// Makes the server stop serving this lab; a lab that is not exported is success. Clients get ESTALE.
/// @param fsid the lab's: an exports file of this name with another path and another fsid is another
/// gateway's
Result<void> withdraw(Exporter& exporter, const std::string& lab, const Uuid& fsid);

/// Whether the server that was not chosen would serve the lab once it is started: a node may change between
/// the two, and what one of them was told stays in its files.
bool is_left_elsewhere(const Config& config, const Exporter& chosen, const std::string& lab,
                       const Uuid& fsid);

/// Takes the lab from the server that was not chosen, whose rights would be those of then: its file, and what
/// it serves if it runs. A lab that it does not have is success.
Result<void> withdraw_elsewhere(const Config& config, const Exporter& chosen, const std::string& lab,
                                const Uuid& fsid);

/// Where no server runs: takes away the files from which one would serve the lab again once it is there.
Result<void> withdraw_files(const Config& config, const std::string& lab, const Uuid& fsid);

/// Changes nothing. A server that does not answer is a state (`as_meant` false, `why` says so), not an error.
Result<ExportState> observe(Exporter& exporter, const Export& meant);

// The same for each server; the above choose between them.
Result<void> publish(const KernelExporter& exporter, const Export& meant);
Result<void> withdraw(const KernelExporter& exporter, const std::string& lab, const Uuid& fsid);
Result<ExportState> observe(const KernelExporter& exporter, const Export& meant);
Result<void> publish(const GaneshaExporter& exporter, const Export& meant);
Result<void> withdraw(const GaneshaExporter& exporter, const std::string& lab, const Uuid& fsid);
Result<ExportState> observe(GaneshaExporter& exporter, const Export& meant);

}  // namespace stowage::nfs
