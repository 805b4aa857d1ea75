// Configuration files, capabilities, exec.
// Runs in: nfs_server.
#include "nfs/server/launch.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/listen_address.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/base/unfinished_writes.hpp"
#include "nfs/exports/bus_socket.hpp"
#include "nfs/exports/own_files.hpp"

namespace stowage::nfs {

namespace {

constexpr auto bus_limit = std::chrono::seconds(10);

/// Ganesha opens by handle (DAC_READ_SEARCH), acts as the lab (SETUID, SETGID), changes what the lab owns
/// (FOWNER), and answers COMMIT with files opened as root (DAC_OVERRIDE: without it each fsync over NFS was
/// answered NFS4ERR_ACCESS). CAP_SYS_RESOURCE, which would pass over quotas, and the rest are gone.
std::vector<unsigned> capabilities_of(Rights rights) {
    if (rights == Rights::none) return {};
    std::vector<unsigned> kept = {CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_SETUID, CAP_SETGID, CAP_FOWNER};
    if (rights == Rights::ganesha_on_low_port) kept.push_back(CAP_NET_BIND_SERVICE);
    return kept;
}

/// Stays uid 0, which after exec has what the bounding set holds: so that set keeps `rights` and nothing else
/// (privileges::become() empties it).
Result<void> give_away(Rights rights) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error(errno, "prctl no_new_privs");
    if (::setgroups(0, nullptr) != 0) return system_error(errno, "setgroups");
    capng_clear(CAPNG_SELECT_BOTH);
    for (const auto capability : capabilities_of(rights))
        (void)capng_update(CAPNG_ADD,
                           static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                           capability);
    if (const int result = capng_apply(CAPNG_SELECT_BOTH); result != 0)
        return Error{Code::internal, fmt::format("capng_apply answered {}", result)};
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
        const auto kept = capabilities_of(rights);
        const bool is_kept = std::find(kept.begin(), kept.end(), capability) != kept.end();
        if (!is_kept && ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            return Error{Code::internal, fmt::format("capability {} was not given away", capability)};
    }
    return {};
}

/// Ganesha resolves Bind_addr with AI_ADDRCONFIG: where no interface has an IPv6 address, an IPv6 one is an
/// error, and an IPv4 one becomes a sockaddr_in that Ganesha reads as a sockaddr_in6, whose address is then
/// `::`: it listens everywhere. getaddrinfo(3) takes who cannot ask netlink for a node that has both.
Result<void> hide_interfaces() {
    const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ALLOW),
                                                                  &seccomp_release);
    if (!filter) return Error{Code::internal, "seccomp_init failed"};
    int result = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                  SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK));
    if (result == 0) result = seccomp_load(filter.get());
    if (result != 0) return system_error(-result, "seccomp filter of NFS-Ganesha");
    return {};
}

/// As a new process would have them: our mask and our ignored signals would go through exec.
void reset_signals() {
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

/// PR_SET_PDEATHSIG after the last change of credentials: that one forgets it.
Result<void> die_with(pid_t parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return system_error(errno, "prctl PDEATHSIG");
    if (::getppid() != parent) return Error{Code::cancelled, "the supervisor is gone"};
    return {};
}

}  // namespace

Result<Launch> prepare_bus(const GaneshaFiles& files, const Config& config) {
    CHECK(make_directories(files));
    remove_unfinished_writes(files.bus_config);
    CHECK(write_atomically(files.bus_config, render_bus_config()));
    Launch launch;
    TRY(launch.inherited, listen_at(files.bus_socket));
    launch.arguments = {config.nfs.dbus_executable, "--nofork", "--nopidfile", "--nosyslog",
                        "--config-file=" + files.bus_config};
    launch.environment = {"LC_ALL=C", "LISTEN_FDS=1", fmt::format("LISTEN_PID={}", ::getpid())};
    return launch;
}

Result<Launch> prepare_ganesha(const GaneshaFiles& files, const Config& config) {
    CHECK(make_directories(files));
    TRY(const auto bus,
        connect_when_listening(files.bus_socket, std::chrono::steady_clock::now() + bus_limit));
    TRY(const auto lock, lock_exports(files.lock_file));
    TRY(const auto skipped, rebuild_index(files));
    for (const auto& entry : skipped)
        log::warning("export_skipped", {{"lab", entry.lab}, {"why", entry.why.text()}});
    remove_unfinished_writes(files.server_config);
    TRY(const auto text, render_server_config(config, files));
    CHECK(write_atomically(files.server_config, text));
    Launch launch;
    launch.arguments = {config.nfs.ganesha_executable,
                        "-F",
                        "-f",
                        files.server_config,
                        "-p",
                        files.pid_file,
                        "-L",
                        "STDERR",
                        "-N",
                        "NIV_EVENT"};
    launch.environment = {"LC_ALL=C", "DBUS_SYSTEM_BUS_ADDRESS=" + files.bus_address()};
    launch.rights = config.nfs.port < 1024 ? Rights::ganesha_on_low_port : Rights::ganesha;
    launch.sees_interfaces = !kernel_has_ipv6();  // where Ganesha has IPv4 sockets, Bind_addr must be IPv4's
    return launch;
}

Error become_program(Launch launch, pid_t parent) {
    // Out of the terminal's process group: Ctrl-C is the supervisor's, and a hang-up would make Ganesha
    // reload.
    (void)::setsid();
    privileges::raise_descriptor_limit();
    auto ready = give_away(launch.rights);
    if (ready && !launch.sees_interfaces) ready = hide_interfaces();
    if (ready) ready = die_with(parent);
    if (ready) ready = ipc::send(ipc::supervisor_fd, message::Ready{});
    if (!ready) return ready.error();
    reset_signals();
    auto arguments = pointers(launch.arguments), environment = pointers(launch.environment);
    // The channel ends with exec, or gives its place to what is inherited.
    if (launch.inherited)
        (void)::dup2(launch.inherited.get(), ipc::supervisor_fd);
    else
        (void)::fcntl(ipc::supervisor_fd, F_SETFD, FD_CLOEXEC);
    ::execve(arguments[0], arguments.data(), environment.data());
    return system_error(errno, "execute " + launch.arguments[0]);
}

}  // namespace stowage::nfs
