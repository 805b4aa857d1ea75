// Choosing the exporter.
// Runs in: root_step.
#include "nfs/exports/exporter.hpp"

#include <unistd.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "nfs/exports/lock.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

namespace {

KernelExporter kernel_exporter(const Config& config) {
    KernelExporter exporter{.exports_dir = config.nfs.exports_dir,
                            .lock_file = config.state_dir + "/exports.lock"};
    exporter.exportfs = exportfs_path;
    exporter.port = config.nfs.port;
    return exporter;
}

}  // namespace

Result<Exporter> make_exporter(const Config& config) {
    TRY(const auto choice, choose_server(config, look_at_machine(config)));
    if (choice.server == NfsServer::kernel) return Exporter(kernel_exporter(config));
    return Exporter(GaneshaExporter{.files = ganesha_files(config),
                                    .labs_root = config.labs.root,
                                    .foreign = ganesha_is_foreign(config)});
}

Result<void> withdraw_files(const Config& config, const std::string& lab) {
    CHECK(parse_lab_name(lab));
    const auto kernel = kernel_exporter(config);
    const auto ganesha = ganesha_files(config);
    CHECK(remove_durably(kernel.file_of(lab)));
    if (::access(ganesha.directory.c_str(), F_OK) != 0) return {};
    TRY(const auto lock, lock_exports(ganesha.lock_file));
    CHECK(remove_durably(ganesha.export_file(lab)));
    CHECK(rebuild_index(ganesha));
    return {};
}

Result<void> publish(Exporter& exporter, const Export& meant) {
    CHECK(check_fields(meant));
    CHECK(check_directory(meant.lab, meant.path));
    return std::visit([&](const auto& server) { return publish(server, meant); }, exporter);
}

Result<void> withdraw(Exporter& exporter, const std::string& lab) {
    return std::visit([&](const auto& server) { return withdraw(server, lab); }, exporter);
}

Result<ExportState> observe(Exporter& exporter, const Export& meant) {
    CHECK(check_fields(meant));
    return std::visit([&](auto& server) { return observe(server, meant); }, exporter);
}

}  // namespace stowage::nfs
