// Choosing the exporter.
// Runs in: root_step.
#include "nfs/exports/exporter.hpp"

#include <unistd.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "nfs/exports/exports_file.hpp"
#include "nfs/exports/ganesha_bus.hpp"
#include "nfs/exports/narrowing.hpp"
#include "nfs/exports/own_files.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

namespace {

/// To answer: a server that was not chosen is seldom there.
constexpr std::chrono::seconds limit_of_the_other{3};

KernelExporter kernel_exporter(const Config& config) {
    KernelExporter exporter{.exports_dir = config.nfs.exports_dir,
                            .lock_file = config.state_dir + "/exports.lock",
                            .labs_root = config.labs.root};
    exporter.exportfs = exportfs_path;
    exporter.port = config.nfs.port;
    exporter.check_address = config.nfs.check_address;
    return exporter;
}

GaneshaExporter ganesha_exporter(const Config& config) {
    return {
        .files = ganesha_files(config), .labs_root = config.labs.root, .foreign = ganesha_is_foreign(config)};
}

/// Which of the two it was, while kernel nfsd is chosen, only the program of our own bus tells.
GaneshaExporter former_ganesha(const Config& config) {
    auto exporter = ganesha_exporter(config);
    if (!config.nfs.dbus_executable.empty()) return exporter;
    exporter.foreign = true;
    exporter.files.bus_socket = system_bus_socket;
    return exporter;
}

bool is_there(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

bool is_left(const KernelExporter& exporter, const std::string& lab, const Uuid& fsid) {
    const auto text = read_file(exporter.file_of(lab));
    return text && is_exports_file_of(*text, exporter.labs_root + "/" + lab, fsid);
}

/// exportfs too, where it is: nfsd may run although another server was chosen.
Result<void> forget(const KernelExporter& exporter, const std::string& lab, const Uuid& fsid) {
    if (is_there(exporter.exportfs)) return withdraw(exporter, lab, fsid);
    return is_left(exporter, lab, fsid) ? remove_durably(exporter.file_of(lab)) : Result<void>();
}

/// An NFS-Ganesha that is a service of its own may run beside nfsd, on another port; ours does not.
Result<void> forget(GaneshaExporter exporter, const std::string& lab, const Uuid& fsid) {
    const auto& files = exporter.files;
    if (!is_there(files.export_file(lab))) return {};
    exporter.limit = limit_of_the_other;
    if (is_there(files.bus_socket)) {
        const auto bus = GaneshaBus::connect(files.bus_socket, exporter.limit);
        if (bus) return withdraw(exporter, lab, fsid);
        // One that runs and did not answer would go on serving what nothing records any more.
        if (bus.error().code != Code::unavailable) return bus.error();
    }
    TRY(const auto lock, lock_exports(files.lock_file));
    CHECK(remove_durably(files.export_file(lab)));
    return take_from_index(files, lab);
}

std::string file_of(const Exporter& exporter, const std::string& lab) {
    if (const auto* kernel = std::get_if<KernelExporter>(&exporter)) return kernel->file_of(lab);
    return std::get<GaneshaExporter>(exporter).files.export_file(lab);
}

}  // namespace

Result<Exporter> make_exporter(const Config& config) {
    TRY(const auto choice, choose_server(config, look_at_machine(config)));
    if (choice.server == NfsServer::kernel) return Exporter(kernel_exporter(config));
    return Exporter(ganesha_exporter(config));
}

Result<void> withdraw_files(const Config& config, const std::string& lab, const Uuid& fsid) {
    CHECK(parse_lab_name(lab));
    CHECK(forget(kernel_exporter(config), lab, fsid));
    return forget(former_ganesha(config), lab, fsid);
}

bool is_left_elsewhere(const Config& config, const Exporter& chosen, const std::string& lab,
                       const Uuid& fsid) {
    if (std::holds_alternative<KernelExporter>(chosen))
        return is_there(ganesha_files(config).export_file(lab));
    return is_left(kernel_exporter(config), lab, fsid);
}

Result<void> withdraw_elsewhere(const Config& config, const Exporter& chosen, const std::string& lab,
                                const Uuid& fsid) {
    CHECK(parse_lab_name(lab));
    if (std::holds_alternative<KernelExporter>(chosen)) return forget(former_ganesha(config), lab, fsid);
    return forget(kernel_exporter(config), lab, fsid);
}

Result<void> publish(Exporter& exporter, const Export& meant) {
    CHECK(check_fields(meant));
    if (const auto ours = check_directory(meant.lab, meant.path); !ours) {
        if (!is_lab_without_marker(meant)) return ours.error();
        TRY(const auto state, observe(exporter, meant));
        if (!state.present) return ours.error();
    }
    return std::visit([&](const auto& server) { return publish(server, meant); }, exporter);
}

Result<bool> narrow(Exporter& exporter, const Export& meant) {
    CHECK(check_fields(meant));
    TRY(const auto text, previous_text(file_of(exporter, meant.lab)));
    if (!text) return false;
    const auto narrower = within(meant, clients_on_file(*text));
    if (narrower.clients.empty() && narrower.read_only_clients.empty()) {
        CHECK(withdraw(exporter, meant.lab, meant.fsid));
        return true;
    }
    return std::visit([&](const auto& server) { return narrow(server, narrower); }, exporter);
}

Result<void> withdraw(Exporter& exporter, const std::string& lab, const Uuid& fsid) {
    return std::visit([&](const auto& server) { return withdraw(server, lab, fsid); }, exporter);
}

Result<ExportState> observe(Exporter& exporter, const Export& meant) {
    CHECK(check_fields(meant));
    return std::visit([&](auto& server) { return observe(server, meant); }, exporter);
}

}  // namespace stowage::nfs
