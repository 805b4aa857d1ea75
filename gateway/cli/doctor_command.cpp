// doctor: the configuration, this machine, the gateway's labs and Run:ai, and what to do about each.
// Runs in: CLI. Distrusts: the file, the gateway's answer.
#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/findings_view.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// Certificate, accounts, folders: as `check` looks at them. Nothing without a file to read.
json::array machine_findings(const ConfigChoice& choice) {
    json::array list;
    const auto source = read_config_source(choice);
    if (!source) return list;
    const auto config = parse_config(source->values);
    if (!config) return list;
    for (const auto& finding : preflight(*config)) {
        if (finding.severity == Finding::Severity::note) continue;
        const bool wrong = finding.severity == Finding::Severity::error;
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
    auto findings = machine_findings(command.config);
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
