// doctor: the configuration, this machine, the gateway's labs and Run:ai, and what to do about each.
// Runs in: CLI. Distrusts: the file, the gateway's answer.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/config_file.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/socket_path.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// Certificate, accounts, folders: as `check` looks at them. Nothing without a file to read.
json::array machine_findings(const std::string& file) {
    json::array list;
    const auto values = read_config_file(file.empty() ? std::string(default_config_file) : file);
    if (!values) return list;
    const auto config = parse_config(*values);
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

void print_finding(const Console& console, const json::object& finding) {
    const bool wrong = text_of(finding, "severity") == "error";
    console.line(fmt::format(
        "{} {}", console.painted(wrong ? Colour::red : Colour::yellow, wrong ? "error  " : "warning"),
        shown(text_of(finding, "what"))));
    if (const auto why = text_of(finding, "why"); !why.empty()) console.line("        why: " + shown(why));
    if (const auto fix = text_of(finding, "fix"); !fix.empty()) console.line("        fix: " + shown(fix));
}

}  // namespace

Result<Exit> run(const Doctor& command, Context& context) {
    const auto& console = context.console;
    auto findings = machine_findings(command.config_file);
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/doctor"}));
    for (const auto& finding : list_of(answer, "findings"))
        if (finding.is_object()) findings.push_back(finding);
    std::size_t errors = 0, ours = 0;
    for (const auto& value : findings) {
        const auto& finding = value.as_object();
        errors += text_of(finding, "severity") == "error" ? 1 : 0;
        ours += flag_of(finding, "ours") ? 1 : 0;
        if (!console.json) print_finding(console, finding);
    }
    const auto count = findings.size();
    if (console.json) {
        json::object body;
        body["findings"] = std::move(findings);
        print_json(console, body);
    } else {
        console.line(count == 0
                         ? "nothing is wrong"
                         : fmt::format("{} finding{}, {} of them errors; {} for `stowage doctor --fix`",
                                       count, count == 1 ? "" : "s", errors, ours));
    }
    if (command.fix && ours > 0) {
        TRY(const auto result, follow_steps(context, {"POST", "/v1/doctor/fix"}));
        return conclude(console, result);
    }
    return count == 0 ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
