// Accounts, folders, labs, PAM service, certificate, NFS server.
// Runs in: supervisor, CLI.
#include "gateway/preflight/preflight.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/lab_marker.hpp"
#include "gateway/base/node_name.hpp"
#include "gateway/base/pam_service.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/base/uid_range.hpp"
#include "gateway/certificate/chain.hpp"
#include "gateway/preflight/findings.hpp"
#include "gateway/preflight/secret_files.hpp"
#include "nfs/exports/plain_path.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage {

namespace {

using Severity = Finding::Severity;

void check_accounts(const Config& config, Findings& findings) {
    const auto controller = privileges::user_id(config.process.controller_user);
    const auto front = privileges::user_id(config.process.front_user);
    findings.expect("process.controller_user", controller);
    findings.expect("process.front_user", front);
    findings.expect("process.admin_group", privileges::group_id(config.process.admin_group));
    if (controller && front) findings.expect("process.front_user", check_process_users(*controller, *front));
}

/// The uid that root wrote into a lab's marker, whoever owns the directory just now. Nothing where there is
/// none, where it is not root's, or where only root may look. No link of the lab's is followed.
std::optional<std::uint32_t> marked_uid(const std::string& lab) {
    const Fd directory(::open(lab.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return std::nullopt;
    const auto text = read_marker(directory);
    const auto at = text.find("\nuid=");
    if (at == text.npos) return std::nullopt;
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(text.data() + at + 5, text.data() + text.size(), uid);
    return error == std::errc{} ? std::optional(uid) : std::nullopt;
}

/// Whoever moves labs.uid_min..labs.uid_max below labs that are there finds out before the controller does.
void check_lab_uids(const Config& config, Findings& findings) {
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(config.labs.root, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto uid = marked_uid(entry->path().string());
        if (uid)
            findings.expect("labs.uid_min", check_uid_range(entry->path().filename().string(), *uid,
                                                            config.labs.uid_min, config.labs.uid_max));
    }
}

void check_labs_root(const Config& config, Findings& findings) {
    const auto& root = config.labs.root;
    struct stat info {};
    if (::lstat(root.c_str(), &info) != 0)
        findings.add_passing("labs.root", fmt::format("{} does not exist", root),
                             "mount the labs' filesystem there, or create it");
    else if (!S_ISDIR(info.st_mode))
        findings.add_error("labs.root", fmt::format("{} is not a directory", root),
                           "name the directory itself, no link");
    else if (info.st_mode & S_IWOTH)
        findings.add_error("labs.root", fmt::format("everybody may write in {}", root), "chmod o-w " + root);
    else {
        check_lab_uids(config, findings);
        check_labs_filesystem(config, findings);
    }
}

/// The gateway gives away what is in these folders, and follows no link there.
void check_no_link(const std::string& key, const std::string& path, Findings& findings) {
    std::error_code failed;
    if (!std::filesystem::is_symlink(path, failed)) return;
    const auto target = std::filesystem::weakly_canonical(path, failed).string();
    findings.add_error(key, fmt::format("{} is a symbolic link", path),
                       fmt::format("name the directory itself, {}, no link", target));
}

/// The folder, or the nearest one above it that is there: it will be made in that.
void check_writable(const std::string& key, const std::string& path, Findings& findings) {
    std::filesystem::path there = path;
    std::error_code failed;
    while (there.has_parent_path() && there != there.root_path() && !std::filesystem::exists(there, failed))
        there = there.parent_path();
    if (!std::filesystem::is_directory(there, failed))
        return findings.add_error(key, fmt::format("{} is not a directory", there.string()),
                                  "name another folder, or move it away");
    struct statvfs info {};
    if (::statvfs(there.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY))
        findings.add_error(key, fmt::format("the filesystem of {} is mounted read-only", there.string()),
                           "mount it read-write, or name another place");
}

void check_folders(const Config& config, Findings& findings) {
    check_no_link("state_dir", config.state_dir, findings);
    check_no_link("run_dir", config.run_dir, findings);
    check_writable("state_dir", config.state_dir, findings);
    check_writable("run_dir", config.run_dir, findings);
    findings.expect("run_dir", check_socket_path(config));
    const auto secret = read_hash_secret(config.state_dir);
    if (!secret && secret.error().code != Code::not_found) findings.add_refusal("state_dir", secret.error());
}

/// A warning, never more: without it the service is as good as without ftps.ocsp_response.
void check_ocsp_response(const Config& config, std::string_view chain, Findings& findings) {
    if (config.ftps.ocsp_response.empty()) return;
    if (auto loaded = load_ocsp_response(config.ftps.ocsp_response, chain); !loaded)
        findings.add(Severity::warning, "ftps.ocsp_response", loaded.error());
}

void check_certificate(const Config& config, Findings& findings) {
    const auto files = certificate_files(config);
    const auto loaded = load_certificate(files);
    if (loaded) {
        if (const auto warning = expiry_warning(loaded->not_after); !warning.empty())
            findings.add(Severity::warning, "ftps.certificate",
                         {Code::config, files.chain_path + " " + warning, how_to_renew(config)});
        return check_ocsp_response(config, loaded->chain_pem, findings);
    }
    if (loaded.error().code == Code::denied || !config.ftps.certificate.empty() || !may_be_made(files))
        return findings.add_refusal("ftps.certificate", loaded.error());
    findings.add(Severity::note, "ftps.certificate",
                 {Code::not_found, "a self-signed certificate is made at the next start"});
}

/// A warning, for FTPS is served all the same; one that is a link itself, or not there, is
/// check_labs_root()'s.
void check_plain_root(const std::string& root, Findings& findings) {
    std::error_code failed;
    if (std::filesystem::is_symlink(root, failed)) return;
    const auto plain = nfs::check_plain_path(root);
    if (!plain && plain.error().code == Code::unsupported)
        findings.add(Severity::warning, "labs.root", plain.error());
}

void check_nfs_server(const Config& config, Findings& findings) {
    const auto facts = nfs::look_at_machine(config);
    const auto choice = nfs::choose_server(config, facts);
    findings.expect("nfs.server", choice);
    if (!choice || choice->server != NfsServer::kernel) return;
    check_plain_root(config.labs.root, findings);
    if (const auto up = nfs::nfsd_is_up(config.nfs.port, facts); !up)
        findings.add(Severity::warning, "nfs.server", up.error());
    if (auto more = nfs::more_than_wanted(config, facts))
        findings.add(Severity::warning, "nfs.v3", std::move(*more));
}

/// In a list such as "8080,50000-50999".
bool is_listed(std::string_view list, unsigned port) {
    while (!list.empty()) {
        const auto item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(item.size() + 1, list.size()));
        unsigned first = 0, last = 0;
        const auto* end = item.data() + item.size();
        const auto after = std::from_chars(item.data(), end, first);
        if (after.ec != std::errc{}) continue;
        last = first;
        if (after.ptr != end && *after.ptr == '-') std::from_chars(after.ptr + 1, end, last);
        if (port >= first && port <= last) return true;
    }
    return false;
}

std::string first_line_of(const char* path) {
    const auto text = read_file(path);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

/// What the kernel hands out to outgoing connections, a program of this machine may hold when a session wants
/// it; and rules that close the passive ports to strangers close it to the answers that these wait for.
void check_passive_ports(const Config& config, Findings& findings) {
    const auto first = config.ftps.passive_port_min, last = config.ftps.passive_port_max;
    if (!are_handed_out(first_line_of("/proc/sys/net/ipv4/ip_local_port_range"),
                        first_line_of("/proc/sys/net/ipv4/ip_local_reserved_ports"), first, last))
        return;
    findings.add(
        Severity::note, "ftps.passive_ports",
        {Code::config,
         fmt::format("{}-{} are ports that Linux gives to outgoing connections, too", first, last),
         fmt::format("sysctl -w net.ipv4.ip_local_reserved_ports={}-{}, and the same line in a file of "
                     "/etc/sysctl.d",
                     first, last)});
}

}  // namespace

bool are_handed_out(std::string_view range, std::string_view reserved, unsigned first, unsigned last) {
    unsigned low = 0, high = 0;
    const auto* end = range.data() + range.size();
    const auto after = std::from_chars(range.data(), end, low);
    const auto* rest = std::find_if(after.ptr, end, [](char c) { return c != ' ' && c != '\t'; });
    if (after.ec != std::errc{} || std::from_chars(rest, end, high).ec != std::errc{}) return false;
    for (unsigned port = std::max(first, low); port <= std::min(last, high); ++port)
        if (!is_listed(reserved, port)) return true;
    return false;
}

Result<void> check_nfsd(std::uint16_t port) {
    return nfs::check_nfsd_is_up(port, nfs::service_manager_path);
}

Result<void> check_process_users(uid_t controller, uid_t front) {
    if (controller == 0 || front == 0)
        return Error{Code::config, "process.controller_user or process.front_user is root",
                     "name an account without rights"};
    if (controller == front)
        return Error{Code::config, "process.controller_user and process.front_user are the same account",
                     "name two"};
    return {};
}

Result<void> check_socket_path(const Config& config) {
    if (config.run_dir.size() + std::string_view("/control.sock").size() < sizeof sockaddr_un::sun_path)
        return {};
    return Error{Code::config, "run_dir " + config.run_dir + " is too long for a socket",
                 "choose a shorter path"};
}

std::vector<Finding> preflight(const Config& config) {
    Findings findings;
    check_accounts(config, findings);
    check_uid_owners(config, "/etc", findings);
    check_labs_root(config, findings);
    check_default_clients(config, findings);
    check_folders(config, findings);
    findings.expect("accounts.pam_service",
                    check_pam_service(config.accounts.pam_service, config.accounts.pam_confdir));
    check_pam_modules(config, pam_module_folders(), findings);
    check_certificate(config, findings);
    check_nfs_server(config, findings);
    check_passive_ports(config, findings);
    findings.expect("nfs.address", nfs_address(config));
    check_runai(config, findings);
    return findings.take();
}

}  // namespace stowage
