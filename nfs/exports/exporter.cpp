// Choosing the exporter.
// Runs in: root_step.
#include "nfs/exports/exporter.hpp"

#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

Result<Exporter> make_exporter(const Config& config) {
    TRY(const auto choice, choose_server(config, look_at_machine(config)));
    if (choice.server == NfsServer::kernel) {
        KernelExporter exporter{.exports_dir = config.nfs.exports_dir,
                                .lock_file = config.state_dir + "/exports.lock"};
        exporter.exportfs = exportfs_path;
        return Exporter(std::move(exporter));
    }
    return Exporter(GaneshaExporter{.files = ganesha_files(config), .labs_root = config.labs.root});
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
    return std::visit([&](const auto& server) { return observe(server, meant); }, exporter);
}

}  // namespace stowage::nfs
