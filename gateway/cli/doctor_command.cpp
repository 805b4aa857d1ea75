// doctor: the configuration, this machine, the gateway's labs and Run:ai, and what to do about each.
// Runs in: CLI. Distrusts: the file, the gateway's answer.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/chain.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/findings_view.hpp"
#include "gateway/cli/gateway_config.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

void add(json::array& list, std::string_view check, std::string what, std::string_view why, std::string fix) {
    list.push_back({{"severity", "warning"},
                    {"check", check},
                    {"what", std::move(what)},
                    {"why", why},
                    {"fix", std::move(fix)},
                    {"ours", false}});
}

/// What clients are shown, wherever its file lies.
void look_at_certificate(json::array& list, const std::string& socket) {
    const auto chain = read_file(published_certificate(std::filesystem::path(socket).parent_path()));
    if (!chain) return;
    const auto facts = describe_certificate(*chain);
    if (!facts) return;
    if (auto ends = expiry_warning(facts->not_after); !ends.empty())
        add(list, "certificate", "the certificate " + ends, "clients refuse the connection then",
            "stowage tls install CERT KEY");
    if (facts->self_signed)
        return add(list, "certificate", "the certificate is self-signed",
                   "clients cannot tell this server from somebody who poses as it, unless they were given it",
                   "stowage tls install CERT KEY, with one of a CA that clients trust");
    if (auto fit = check_chain(*chain, {}); !fit)
        add(list, "certificate", fit.error().what, "clients may refuse it", fit.error().remedy);
}

/// An address that nobody elsewhere reaches: the login works, and every listing hangs.
void look_at_passive_address(json::array& list, const Config& config) {
    for (const auto& told : config.ftps.pasv_addresses) {
        const bool nowhere = told.address.rfind("127.", 0) == 0 || told.address.rfind("169.254.", 0) == 0 ||
                             told.address == "0.0.0.0";
        if (nowhere)
            add(list, "ftps.pasv_address",
                fmt::format("clients in {} are told {} in PASV replies", told.network, told.address),
                "they log in, and then every listing and transfer hangs",
                "set ftps.pasv_address to the address by which these clients reach this node");
    }
}

/// Certificate, accounts, folders: as `check` looks at them.
json::array machine_findings(const Config& config) {
    json::array list;
    look_at_passive_address(list, config);
    for (const auto& finding : preflight(config)) {
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
    auto findings = machine_findings(config);
    look_at_certificate(findings, context.gateway.socket_path());
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/doctor"}));
    for (const auto& finding : list_of(answer, "findings"))
        if (finding.is_object()) findings.push_back(finding);
    std::size_t ours = 0;
    for (const auto& value : findings)
        ours += flag_of(value.as_object(), "ours") ? 1 : 0;
    const bool healthy = findings.empty();
    if (console.json) {
        json::object body;
        body["findings"] = std::move(findings);
        print_json(console, body);
    } else {
        print_findings(console, findings);
    }
    if (command.fix && ours > 0) {
        TRY(const auto result, follow_steps(context, {"POST", "/v1/doctor/fix"}));
        return conclude(console, result);
    }
    return healthy ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
