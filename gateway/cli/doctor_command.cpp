// doctor: the configuration, this machine, the gateway's labs and Run:ai, and what to do about each.
// Runs in: CLI. Distrusts: the file, the gateway's answer.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/findings_view.hpp"
#include "gateway/cli/gateway_config.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/machine_findings.hpp"
#include "gateway/cli/site_secrets.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// What of preflight() was left out for want of rights, by its keys.
std::vector<std::string> only_for_root(const std::vector<Finding>& found) {
    std::vector<std::string> keys;
    for (const auto& finding : found)
        if (finding.severity == Finding::Severity::note && finding.error.code == Code::denied &&
            finding.key != "ftps.certificate")
            keys.push_back(finding.key);
    if (::geteuid() != 0) keys.emplace_back("the NFS server");
    return keys;
}

/// Certificate, accounts, folders: as `check` looks at them.
json::array preflight_findings(const std::vector<Finding>& found) {
    json::array list;
    for (const auto& finding : found) {
        // The certificate that is served is looked at by itself.
        const bool wrong = finding.severity == Finding::Severity::error;
        if (finding.severity == Finding::Severity::note) continue;
        if (!wrong && finding.key == "ftps.certificate") continue;
        list.push_back({{"severity", wrong ? "error" : "warning"},
                        {"check", finding.key},
                        {"what", finding.error.what},
                        {"why", ""},
                        {"fix", finding.error.remedy},
                        {"ours", false}});
    }
    return list;
}

}  // namespace

Result<Exit> run(const Doctor& command, Context& context) {
    const auto& console = context.console;
    TRY(const auto config, config_beside(context, command.config));
    const auto& socket = context.gateway.socket_path();
    const auto seen = preflight(config);
    auto findings = preflight_findings(seen);
    const auto unseen = only_for_root(seen);
    look_at_certificate(findings, config, socket);
    look_at_passive_addresses(findings, config);
    // Else the resolver, which may hang, is not asked.
    if (tells_own_addresses(config)) look_for_nat(findings, served_names(socket), own_addresses());
    const auto exports = export_files(config);  // before the labs: one may be made in between
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/doctor"}));
    for (const auto& finding : list_of(answer, "findings"))
        if (finding.is_object()) findings.push_back(finding);
    look_at_clock(findings);
    if (!exports.empty()) {
        TRY(const auto labs, fetch_object(context, {"GET", "/v1/labs"}));
        look_at_exports_of_no_lab(findings, exports, list_of(labs, "labs"));
    }
    std::size_t ours = 0;
    for (const auto& value : findings)
        ours += flag_of(value.as_object(), "ours") ? 1 : 0;
    const bool healthy = findings.empty();
    if (console.json) {
        json::object body;
        body["findings"] = findings;
        body["only_for_root"] = json::array(unseen.begin(), unseen.end());
        print_json(console, body);
    } else {
        print_findings(console, findings);
        if (!unseen.empty())
            console.line(fmt::format("some things only root can look at: {}; run this with sudo",
                                     shown(fmt::format("{}", fmt::join(unseen, ", ")))));
    }
    if (command.fix && ours > 0) {
        const auto result = follow_steps(context, {"POST", "/v1/doctor/fix"});
        if (!result && !context.gateway.in_doubt()) return result.error();
        // People who were gone were made anew, each with a password.
        std::optional<SecretsFile> nowhere;
        const auto handed = hand_over_secrets(context, nowhere, "");
        if (!result) return with_secrets_kept(result.error());
        if (!handed) return handed.error();
        if (findings.size() > ours && !console.json)
            console.line(fmt::format("{} left, which --fix does not set right",
                                     counted(findings.size() - ours, "finding is", "findings are")));
        return conclude(console, *result);
    }
    return healthy ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
