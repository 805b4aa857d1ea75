// The single checks.
// Runs in: supervisor, CLI.
#include "gateway/preflight/preflight.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/privileges.hpp"
#include "gateway/certificate/chain.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage {

namespace {

using Severity = Finding::Severity;

struct Checks {
    const Config& config;
    std::vector<Finding> findings = {};

    void add(Severity severity, std::string key, Error error) {
        findings.push_back({severity, std::move(key), std::move(error)});
    }
    void add_error(std::string key, std::string what, std::string remedy) {
        add(Severity::error, std::move(key), {Code::config, std::move(what), std::move(remedy)});
    }

    void accounts() {
        const auto want = [this](std::string key, const auto& id) {
            if (!id) add(Severity::error, std::move(key), id.error());
        };
        want("process.controller_user", privileges::user_id(config.process.controller_user));
        want("process.front_user", privileges::user_id(config.process.front_user));
        want("process.admin_group", privileges::group_id(config.process.admin_group));
    }

    void labs_root() {
        struct stat info {};
        if (::lstat(config.labs.root.c_str(), &info) != 0)
            add_error("labs.root", fmt::format("{} does not exist", config.labs.root),
                      "mount the labs' filesystem there, or create it");
        else if (!S_ISDIR(info.st_mode))
            add_error("labs.root", fmt::format("{} is not a directory", config.labs.root),
                      "name the directory itself, no link");
        else if (info.st_mode & S_IWOTH)
            add_error("labs.root", fmt::format("everybody may write in {}", config.labs.root),
                      "chmod o-w " + config.labs.root);
    }

    void pam_service() {
        const auto& given = config.accounts.pam_confdir;
        const auto path =
            (given.empty() ? std::string("/etc/pam.d") : given) + "/" + config.accounts.pam_service;
        if (::access(path.c_str(), F_OK) != 0)
            add_error("accounts.pam_service",
                      fmt::format("there is no PAM service {} ({})", config.accounts.pam_service, path),
                      "install deploy/pam.d/stowage there, or name another service");
    }

    void certificate() {
        const auto files = certificate_files(config);
        const auto loaded = load_certificate(files);
        if (loaded) {
            if (const auto warning = expiry_warning(loaded->not_after); !warning.empty())
                add(Severity::warning, "ftps.certificate",
                    {Code::config, files.chain_path + " " + warning, "renew it"});
            ocsp_response(loaded->chain_pem);
            return;
        }
        if (loaded.error().code == Code::denied)
            add(Severity::note, "ftps.certificate",
                {Code::denied, loaded.error().what, "run this as root to check it"});
        else if (!config.ftps.certificate.empty())
            add(Severity::error, "ftps.certificate",
                {Code::config, loaded.error().what, loaded.error().remedy});
        else
            add(Severity::note, "ftps.certificate",
                {Code::not_found, "a self-signed certificate is made at the next start"});
    }

    /// A warning, never more: without it the service is as good as without ftps.ocsp_response.
    void ocsp_response(std::string_view chain) {
        if (config.ftps.ocsp_response.empty()) return;
        if (auto loaded = load_ocsp_response(config.ftps.ocsp_response, chain); !loaded)
            add(Severity::warning, "ftps.ocsp_response", loaded.error());
    }

    void nfs() {
        const auto choice = nfs::choose_server(config, nfs::look_at_machine(config));
        if (!choice) add(Severity::error, "nfs.server", choice.error());
    }

    void runai() {
        if (config.runai.url.empty()) {
            add(Severity::note, "runai.url", {Code::not_found, "no Run:ai: data sources are not registered"});
            return;
        }
        for (const auto& [key, path] :
             {std::pair{"runai.client_secret_file", config.runai.client_secret_file},
              std::pair{"runai.ca_bundle", config.runai.ca_bundle}})
            if (!path.empty() && ::access(path.c_str(), F_OK) != 0)
                add_error(key, fmt::format("{} does not exist", path), "create it, or correct the path");
        if (config.runai.insecure_skip_verify)
            add(Severity::warning, "runai.insecure_skip_verify",
                {Code::config, "anybody on the way can pose as Run:ai and take the client secret",
                 "set runai.ca_bundle instead"});
    }
};

bool is_taken(const std::string& address, std::uint16_t port) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    const bool six = inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1;
    v6.sin6_family = AF_INET6;
    v4.sin_family = AF_INET;
    v6.sin6_port = v4.sin_port = htons(port);
    if (!six && inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) return false;
    Fd socket(::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const auto* target = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    return ::bind(socket.get(), target, six ? sizeof v6 : sizeof v4) != 0 && errno == EADDRINUSE;
}

}  // namespace

std::vector<Finding> preflight(const Config& config) {
    Checks checks{config};
    checks.accounts();
    checks.labs_root();
    checks.pam_service();
    checks.certificate();
    checks.nfs();
    checks.runai();
    return std::move(checks.findings);
}

std::vector<Finding> taken_ports(const Config& config) {
    Checks checks{config};
    const auto check = [&](const std::string& address, std::uint16_t port, const char* key) {
        if (port && is_taken(address, port))
            checks.add_error(
                key, fmt::format("port {} on {} is in use by another process", port, address),
                fmt::format("stop it (ss -ltnp 'sport = :{}' names it) or choose another port", port));
    };
    for (const auto& address : config.ftps.listen) {
        check(address, config.ftps.port, "ftps.port");
        check(address, config.ftps.implicit_port, "ftps.implicit_port");
    }
    const auto choice = nfs::choose_server(config, nfs::look_at_machine(config));
    if (choice && choice->server == NfsServer::ganesha)
        check(config.nfs.bind_address, config.nfs.port, "nfs.port");
    return std::move(checks.findings);
}

}  // namespace stowage
