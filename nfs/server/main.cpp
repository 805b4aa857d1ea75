// The launcher of NFS-Ganesha and its private bus: `stowage-nfs-server dbus` and `stowage-nfs-server
// ganesha`. Runs in: nfs_server, as root until it has narrowed itself and becomes the program.
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/privileges.hpp"
#include "nfs/server/launch.hpp"

namespace {

using namespace stowage;

Config receive_config() {
    const auto packet = or_throw(ipc::receive(ipc::supervisor_fd));
    or_throw(packet.as<message::StartNfsServer>());
    if (packet.fds.empty()) throw Fatal({Code::protocol, "StartNfsServer came without the configuration"});
    const auto text = or_throw(read_sealed(packet.fds[0]));
    return or_throw(parse_config(or_throw(values_from_text(text))));
}

int launch(bool is_bus, pid_t parent) {
    log::start(is_bus ? "dbus" : "ganesha", log::Level::info);
    const auto config = receive_config();
    log::start(is_bus ? "dbus" : "ganesha", config.log_level);
    const auto files = nfs::ganesha_files(config);
    auto prepared = or_throw(is_bus ? nfs::prepare_bus(files, config) : nfs::prepare_ganesha(files, config));
    throw Fatal(nfs::become_program(std::move(prepared), parent));
}

}  // namespace

int main(int argc, char** argv) {
    const pid_t parent = ::getppid();
    privileges::harden();
    (void)::signal(SIGINT, SIG_IGN);
    (void)::signal(SIGTERM, SIG_IGN);
    const std::string_view role = argc == 2 ? argv[1] : "";
    if (role != "dbus" && role != "ganesha") {
        log::error("usage", {{"what", "started by stowage-supervisor with dbus or ganesha"}});
        return 2;
    }
    try {
        return launch(role == "dbus", parent);
    } catch (const Fatal& fatal) {
        log::error("start_failed", {{"code", to_string(fatal.error().code)}, {"why", fatal.error().text()}});
        return fatal.error().code == Code::config ? 78 : 1;
    }
}
