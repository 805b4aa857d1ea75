// Starting and ending of the children.
// Runs in: system tests of nfs.
#include "tests/system/nfs/ganesha_run.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gateway/base/ipc.hpp"
#include "gateway/base/messages/children.hpp"

namespace stowage::nfs::testing {

namespace {

constexpr auto ready_limit = std::chrono::seconds(15);

std::string binary() {
    const char* folder = std::getenv("STOWAGE_BIN");
    return (folder ? std::string(folder) : "/nowhere") + "/stowage-nfs-server";
}

bool is_there(const char* path) {
    return ::access(path, X_OK) == 0;
}

/// In the child between fork and exec: descriptor 3 is the channel.
[[noreturn]] void exec_launcher(int channel, const char* role) {
    const auto path = binary();
    const Fd null(::open("/dev/null", O_RDONLY));
    ::dup2(null.get(), 0);
    if (channel == ipc::supervisor_fd)
        ::fcntl(channel, F_SETFD, 0);
    else
        ::dup2(channel, ipc::supervisor_fd);
    char* const nothing[] = {nullptr};
    ::execle(path.c_str(), "stowage-nfs-server", role, nullptr, nothing);
    ::_exit(127);
}

}  // namespace

std::string reason_to_skip() {
    if (::geteuid() != 0) return "needs root";
    if (!is_there("/usr/bin/ganesha.nfsd")) return "nfs-ganesha is not installed";
    if (!is_there("/usr/bin/dbus-daemon")) return "dbus-daemon is not installed";
    return {};
}

std::uint16_t free_port() {
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("bind");
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

MountCheckReport check(MountCheckRequest request) {
    boost::asio::io_context io;
    auto report = boost::asio::co_spawn(io, check_mount(std::move(request)), boost::asio::use_future);
    io.run();
    return report.get();
}

std::string step(const MountCheckReport& report, const std::string& name) {
    for (const auto& one : report.steps)
        if (one.name == name) return (one.ok ? "ok: " : "failed: ") + one.detail;
    return {};
}

bool gone_within(const Fd& pidfd, std::chrono::milliseconds limit) {
    pollfd wait{pidfd.get(), POLLIN, 0};
    return ::poll(&wait, 1, static_cast<int>(limit.count())) == 1;
}

GaneshaRun::GaneshaRun() {
    char pattern[] = "/var/tmp/stowage-nfs-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    ::chmod(directory_.c_str(), 0755);
    for (const auto* folder : {"/state", "/run", "/labs"})
        ::mkdir((directory_ + folder).c_str(), 0755);
    ConfigValues values;
    const auto set = [&](const char* key, std::string value) { values[key] = {std::move(value), "test"}; };
    set("state_dir", directory_ + "/state");
    set("run_dir", directory_ + "/run");
    set("labs.root", directory_ + "/labs");
    set("log_level", "warning");
    set("nfs.server", "ganesha");
    set("nfs.port", std::to_string(free_port()));
    set("nfs.bind_address", "127.0.0.1");
    set("ftps.passive_ports", "1100-1199");  // out of free_port()'s range
    set("nfs.ganesha_graceless", "true");
    config = or_throw(parse_config(values));
    config_text_ = to_text(values);
}

GaneshaRun::~GaneshaRun() {
    kill_ganesha();
    kill_bus();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

GaneshaRun::Child GaneshaRun::start(const char* role) const {
    auto [ours, theirs] = or_throw(ipc::make_pair());
    const auto sealed = or_throw(seal("config", config_text_));
    Child child;
    child.pid = ::fork();
    if (child.pid == 0) exec_launcher(theirs.get(), role);
    child.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    theirs.reset();
    or_throw(ipc::send(ours.get(), message::StartNfsServer{}, {sealed.get()}));
    pollfd wait{ours.get(), POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(ready_limit).count())) != 1)
        throw std::runtime_error(fmt::format("{} was not ready in time", role));
    or_throw(ipc::receive_as<message::Ready>(ours.get()));
    return child;
}

void GaneshaRun::end(Child& child) {
    if (child.pid <= 0) return;
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    child = {};
}

void GaneshaRun::start_bus() {
    bus_ = start("dbus");
}
void GaneshaRun::start_ganesha() {
    ganesha_ = start("ganesha");
}
void GaneshaRun::kill_ganesha() {
    end(ganesha_);
}
void GaneshaRun::kill_bus() {
    end(bus_);
}

Export GaneshaRun::make_lab(const std::string& name, std::uint16_t export_id) {
    Export lab{.lab = name,
               .path = directory_ + "/labs/" + name,
               .uid = 700000u + export_id,
               .gid = 700000u + export_id,
               .export_id = export_id,
               .clients = {"127.0.0.0/8"}};
    lab.fsid[15] = static_cast<std::uint8_t>(export_id);
    std::filesystem::create_directories(lab.path + "/.stowage");
    std::ofstream(lab.path + "/.stowage/lab") << name << "\nversion=1\n";
    if (::chown(lab.path.c_str(), lab.uid, lab.gid) != 0) throw std::runtime_error("chown " + lab.path);
    ::chmod(lab.path.c_str(), 02770);
    return lab;
}

MountCheckRequest GaneshaRun::request(const Export& lab) const {
    return {.server = "127.0.0.1",
            .port = config.nfs.port,
            .path = lab.path,
            .uid = lab.uid,
            .gid = lab.gid,
            .limit = std::chrono::seconds(10)};
}

Exporter GaneshaRun::exporter() const {
    return or_throw(make_exporter(config));
}

}  // namespace stowage::nfs::testing
