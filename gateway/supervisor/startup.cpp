// Folders, lock, ids, certificate, ports.
// Runs in: supervisor.
#include "gateway/supervisor/startup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/config_file.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/certificate/certificate.hpp"
#include "gateway/preflight/preflight.hpp"
#include "gateway/preflight/secret_files.hpp"
#include "gateway/supervisor/hash_keys.hpp"
#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/tls_identity.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage::supervisor {

namespace {

Error cannot(int error_number, const std::string& what) {
    auto error = system_error(error_number, what);
    error.remedy = "look whether its filesystem is mounted read-only, full or broken, or name another place";
    return error;
}

/// What is missing of the way to it is made passable: unprivileged processes have folders in it.
Result<void> make_way(const std::filesystem::path& path) {
    std::error_code failed;
    if (std::filesystem::exists(path, failed)) return {};
    if (path.has_parent_path()) CHECK(make_way(path.parent_path()));
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return cannot(errno, "create " + path.string());
    if (::chmod(path.c_str(), 0755) != 0) return cannot(errno, "chmod " + path.string());  // past our umask
    return {};
}

Result<void> make_directory(const std::string& path, uid_t uid, gid_t gid, mode_t mode) {
    CHECK(make_way(path));
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!fd && ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode))
        return Error{Code::config, path + " is a symbolic link", "name the directory itself, no link"};
    if (!fd) return cannot(errno, "open " + path);
    if (::fchown(fd.get(), uid, gid) != 0) return cannot(errno, "chown " + path);
    if (::fchmod(fd.get(), mode) != 0) return cannot(errno, "chmod " + path);
    return {};
}

Result<void> find_ids(const Config& config, Foundation& foundation) {
    TRY(foundation.controller_uid, privileges::user_id(config.process.controller_user));
    TRY(foundation.front_uid, privileges::user_id(config.process.front_user));
    TRY(foundation.admin_gid, privileges::group_id(config.process.admin_group));
    const auto primary_group = [](uid_t uid) {
        const auto* entry = ::getpwuid(uid);
        return entry ? entry->pw_gid : static_cast<gid_t>(uid);
    };
    foundation.controller_gid = primary_group(foundation.controller_uid);
    foundation.front_gid = primary_group(foundation.front_uid);
    return check_process_users(foundation.controller_uid, foundation.front_uid);
}

Result<void> make_directories(const Config& config, const Foundation& foundation) {
    CHECK(make_directory(config.state_dir, 0, 0, 0755));
    CHECK(make_directory(config.state_dir + "/tls", 0, 0, 0700));
    CHECK(make_directory(config.state_dir + "/controller", foundation.controller_uid,
                         foundation.controller_gid, 0700));
    CHECK(make_directory(config.run_dir, 0, 0, 0755));
    return make_directory(config.run_dir + "/empty", 0, 0, 0555);
}

Result<Fd> lock_state(const std::string& state_dir) {
    const auto path = state_dir + "/lock";
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return cannot(errno, "open " + path);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return Error{Code::config, "another gateway runs on the state in " + state_dir,
                     "stop it first (systemctl stop stowage), or give this one another state_dir"};
    // For `stowage tls install`, which sends SIGHUP. A full disk must not keep the gateway from its lock.
    const auto pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock.get(), 0) == 0) (void)!::pwrite(lock.get(), pid.data(), pid.size(), 0);
    return lock;
}

Result<Fd> seal_runai_secret(const Config& config) {
    TRY(const auto secret, read_runai_secret(config));
    if (secret.empty()) return Fd();
    return seal("runai-secret", secret.reveal());
}

Result<void> publish_config(const Context& context, gid_t admin_gid) {
    TRY(const auto text, read_sealed(context.sealed_config));
    return write_atomically(published_config(context.config.run_dir), text, {0, admin_gid, 0640});
}

/// For a purge of the package (deploy/debian/postrm), which has no configuration any more and ends the
/// exports of labs there. One that is out of date would make it end another gateway's.
void note_labs_root(const Config& config) {
    const auto path = config.state_dir + "/labs-root";
    const auto text = config.labs.root + "\n";
    if (const auto noted = read_file(path); noted && *noted == text) return;
    const auto written = write_atomically(path, text, {0, 0, 0644});
    if (written) return;
    log::warning("labs_root_not_noted", {{"path", path}, {"why", written.error().text()}});
    ::unlink(path.c_str());
}

}  // namespace

Result<Foundation> prepare(Context& context) {
    const auto& config = context.config;
    Foundation foundation;
    CHECK(find_ids(config, foundation));
    // The lock first: whoever is refused has changed nothing of the one that runs.
    CHECK(make_way(config.state_dir));
    TRY(foundation.state_lock, lock_state(config.state_dir));
    CHECK(check_machine(config));
    CHECK(make_directories(config, foundation));
    CHECK(read_tls_identity(context));
    TRY(context.hash_secret, load_hash_secret(config.state_dir));
    TRY(foundation.runai_secret, seal_runai_secret(config));
    TRY(foundation.ftps, bind_ftps(config));
    CHECK(publish_config(context, foundation.admin_gid));
    note_labs_root(config);
    TRY(foundation.control_socket, bind_control(config, foundation.admin_gid));
    context.tickets.rotate();
    return foundation;
}

Result<void> settle_nfs_server(ConfigValues& values, Config& config) {
    TRY(const auto choice, nfs::choose_server(config, nfs::look_at_machine(config)));
    config.nfs.server = choice.server;
    values["nfs.server"] = {choice.server == NfsServer::kernel ? "kernel" : "ganesha", choice.why};
    log::info("nfs_server", {{"server", values["nfs.server"].text}, {"why", choice.why}});
    return {};
}

Result<void> check_machine(const Config& config) {
    auto findings = preflight(config);
    for (auto& taken : taken_ports(config))
        findings.push_back(std::move(taken));
    std::string problems;
    bool all_pass = true;
    for (const auto& finding : findings) {
        if (finding.severity == Finding::Severity::error) {
            problems += (problems.empty() ? "" : "\n") + finding.key + ": " + finding.error.text();
            all_pass = all_pass && finding.error.code == Code::unavailable;
        } else {
            log::write(
                finding.severity == Finding::Severity::warning ? log::Level::warning : log::Level::info,
                "preflight", {{"key", finding.key}, {"what", finding.error.text()}});
        }
    }
    if (problems.empty()) return {};
    return Error{all_pass ? Code::unavailable : Code::config, problems};
}

void clear_run_dir(const Config& config) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(config.run_dir, failed)) {
        const auto name = entry.path().filename().string();
        // What root steps of labs locked: none of them runs any more.
        if (name.starts_with("lab-") && name.ends_with(".lock")) ::unlink(entry.path().c_str());
    }
    ::unlink((config.run_dir + "/control.sock").c_str());
    ::unlink(published_certificate(config.run_dir).c_str());
    ::unlink(published_config(config.run_dir).c_str());
    ::unlink((config.run_dir + "/dbus.sock").c_str());
    ::rmdir((config.run_dir + "/empty").c_str());
    ::rmdir(config.run_dir.c_str());  // only when it is empty
}

}  // namespace stowage::supervisor
