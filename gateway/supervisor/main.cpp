// stowage-supervisor: root, the parent of every other process.
// Runs in: supervisor. It parses no client bytes, no JSON and no HTTP, and touches no lab's files.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/supervisor/options.hpp"
#include "gateway/supervisor/supervisor.hpp"
#include "nfs/exports/server_choice.hpp"

namespace {

using namespace stowage;
using namespace stowage::supervisor;

constexpr int exit_usage = 2;
constexpr int exit_config = 78;  // EX_CONFIG: systemd does not restart us for it

int refuse(const Error& error) {
    log::error("not_started", {{"what", error.what}, {"remedy", error.remedy}});
    fmt::print(stderr, "stowage-supervisor: {}\n", error.what);
    if (!error.remedy.empty()) fmt::print(stderr, "  remedy: {}\n", error.remedy);
    if (error.code == Code::usage) return exit_usage;
    const bool setting = error.code == Code::config || error.code == Code::unsupported;
    return setting ? exit_config : 1;
}

std::string own_folder() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

int main(int argc, char** argv) {
    privileges::harden();
    privileges::raise_descriptor_limit();
    ::signal(SIGPIPE, SIG_IGN);
    log::start("supervisor", log::Level::info);
    try {
        auto options = read_options(argc, argv);
        if (!options) return refuse(options.error());
        log::start("supervisor", options->config.log_level);
        if (::geteuid() != 0)
            return refuse({Code::denied, "the supervisor must be started by root", "use systemctl or sudo"});

        if (auto settled = settle_nfs_server(options->values, options->config); !settled)
            return refuse(settled.error());
        boost::asio::io_context io(1);
        Context context(io, options->config);
        context.sealed_config = or_throw(seal("configuration", to_text(options->values)));
        context.libexec_dir =
            options->config.process.libexec_dir.empty() ? own_folder() : options->config.process.libexec_dir;
        context.hold_executables();
        auto foundation = prepare(context);
        if (!foundation) return refuse(foundation.error());

        const bool own_ganesha =
            options->config.nfs.server == NfsServer::ganesha && !nfs::ganesha_is_foreign(options->config);
        Supervisor supervisor(context, *foundation, own_ganesha);
        supervisor.run();
        clear_run_dir(options->config);
        log::notice("stopped", {});
        return 0;
    } catch (const Fatal& failure) {
        return refuse(failure.error());
    } catch (const std::exception& failure) {
        return refuse({Code::internal, failure.what()});
    }
}
