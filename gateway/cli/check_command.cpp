// check: the configuration, and this machine as it asks for it.
// Runs in: CLI. Distrusts: the file.
#include <fmt/format.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "gateway/base/config_file.hpp"
#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/gateway_config.hpp"
#include "gateway/cli/site_file.hpp"
#include "gateway/preflight/preflight.hpp"
#include "gateway/preflight/secret_files.hpp"

namespace stowage::cli {

namespace {

std::string_view word_of(Finding::Severity severity) {
    switch (severity) {
        case Finding::Severity::error:
            return "error";
        case Finding::Severity::warning:
            return "warning";
        case Finding::Severity::note:
            break;
    }
    return "note";
}

/// A gateway that runs with this configuration holds its ports itself.
bool is_running(const Config& config) {
    const std::chrono::seconds limit(3);
    ControlClient gateway(config.run_dir + "/control.sock", {limit, limit});
    const auto answer = gateway.fetch({"GET", "/v1/status"});
    return answer || answer.error().code != Code::unavailable;
}

Result<Config> running_config(const Config& config) {
    TRY(const auto values, read_published_config(config.run_dir));
    return parse_config(values);
}

std::vector<Finding> look_at_ports(const Config& config) {
    if (!is_running(config)) return taken_ports(config);
    const auto running = running_config(config);
    if (running) return taken_ports(config, own_ports(*running));
    return {{Finding::Severity::note, "ftps.port",
             Error{Code::denied,
                   "the gateway runs, and which ports it holds is not to be seen: no port or address "
                   "was looked at",
                   "run this as root, or while the gateway is stopped"}}};
}

/// Blocks on the resolver. Pods may ask another one, so it is no error.
void look_up_address(const Config& config, std::vector<Finding>& findings) {
    const auto& name = config.nfs.address;
    if (name.empty()) return;
    addrinfo* found = nullptr;
    const addrinfo hints{.ai_socktype = SOCK_STREAM};
    const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
    if (failed == 0) return ::freeaddrinfo(found);
    findings.push_back({Finding::Severity::warning, "nfs.address",
                        Error{Code::not_found,
                              fmt::format("nfs.address {} does not resolve on this machine: {}", name,
                                          ::gai_strerror(failed)),
                              "name the node as pods reach it: a name that their DNS knows, or an address"}});
}

/// systemd brings it to the service alone, at its start.
void excuse_credential(const Config& config, std::vector<Finding>& findings) {
    const char* of_service = ::getenv("CREDENTIALS_DIRECTORY");
    if (of_service || !is_credential(config.runai.client_secret_file)) return;
    const auto path = runai_secret_path(config);
    if (::access(path.c_str(), F_OK) == 0 || errno != ENOENT) return;
    for (auto& finding : findings)
        if (finding.key == "runai.client_secret_file" && finding.severity == Finding::Severity::error)
            finding = {
                Finding::Severity::note, finding.key,
                Error{Code::not_found,
                      fmt::format("{} is not here: the service's next start gets it from systemd, and is "
                                  "refused without it",
                                  path),
                      "see that `systemctl cat stowage` shows LoadCredential= with its name"}};
}

std::vector<Finding> look_around(const Config& config) {
    auto findings = preflight(config);
    excuse_credential(config, findings);
    for (auto& finding : look_at_ports(config))
        findings.push_back(std::move(finding));
    look_up_address(config, findings);
    return findings;
}

/// Where the key's value stands: file and line, --set, or default.
std::string origin_of(const ConfigSource& source, const std::string& key) {
    const auto given = source.values.find(key);
    return given == source.values.end() ? "default" : given->second.origin;
}

/// A choice, as that of the NFS server, may be wrong for what another key says: with that its words begin.
std::string key_told(const ConfigSource& source, const Finding& finding) {
    auto first = finding.error.what.substr(0, finding.error.what.find(' '));
    return source.values.contains(first) ? first : finding.key;
}

void print_findings(const Console& console, const ConfigSource& source,
                    const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        const auto& what = finding.error.what;
        const auto told = key_told(source, finding);
        const auto key = what.starts_with(told) ? std::string() : told + ": ";
        console.line(fmt::format("{:<8} {}: {}{}", word_of(finding.severity), shown(origin_of(source, told)),
                                 key, shown(what)));
        if (!finding.error.remedy.empty()) console.line("         remedy: " + shown(finding.error.remedy));
    }
}

boost::json::object findings_json(const ConfigSource& source, const std::vector<Finding>& findings,
                                  bool right) {
    boost::json::array list;
    for (const auto& finding : findings)
        list.push_back({{"severity", word_of(finding.severity)},
                        {"key", finding.key},
                        {"origin", origin_of(source, finding.key)},
                        {"code", to_string(finding.error.code)},
                        {"what", finding.error.what},
                        {"remedy", finding.error.remedy}});
    return {{"ok", right}, {"source", source.name}, {"findings", std::move(list)}};
}

/// What plan would compare the file with, where a configuration is at hand.
Result<SiteGateway> gateway_here(const Context& context, const ConfigChoice& choice) {
    const auto config = config_beside(context, choice);
    if (!config && !choice.file.empty()) return config.error();
    if (!config || config->runai.url.empty()) return SiteGateway{};
    return SiteGateway{config->runai.url, config->runai.cluster, config->runai.container_path};
}

/// Every problem of it is in the error that reading it comes to.
Result<Exit> check_site_file(const Context& context, const Check& command) {
    const auto& path = command.site_file;
    const auto& console = context.console;
    TRY(const auto gateway, gateway_here(context, command.config));
    TRY(const auto site, read_site_file(path, gateway));
    const auto found = fmt::format(
        "{}, {}, {}, {}, {}", counted(site.labs.size(), "lab"), counted(site.users.size(), "FTPS user"),
        counted(site.node_pools.size(), "node pool"), counted(site.members.size(), "person", "people"),
        counted(site.compute_resources.size(), "compute resource"));
    if (console.json)
        print_json(console, {{"ok", true}, {"source", path}, {"found", found}});
    else
        console.line(fmt::format("the site file is right: {}: {}", shown(path), found));
    return Exit::done;
}

}  // namespace

Result<Exit> run(const Check& command, Context& context) {
    if (!command.site_file.empty()) return check_site_file(context, command);
    TRY(const auto source, read_config_source(command.config));
    TRY(const auto config, parse_config(source.values));
    const auto findings = look_around(config);
    const bool right = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.severity == Finding::Severity::error;
    });
    const auto& console = context.console;
    if (console.json) {
        print_json(console, findings_json(source, findings, right));
    } else {
        print_findings(console, source, findings);
        console.line(
            (right ? "the configuration is right: " : "the configuration does not fit this machine: ") +
            shown(source.name));
    }
    return right ? Exit::done : Exit::config;
}

}  // namespace stowage::cli
