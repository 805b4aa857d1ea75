// What doctor found, in words.
// Runs in: CLI. Distrusts: every field.
#include "gateway/cli/findings_view.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/cli/json_fields.hpp"

namespace stowage::cli {

namespace {

void print_finding(const Console& console, const boost::json::object& finding) {
    const bool wrong = text_of(finding, "severity") == "error";
    const auto word = console.painted(wrong ? Colour::red : Colour::yellow, wrong ? "error  " : "warning");
    console.line(fmt::format("{} {}", word, shown(text_of(finding, "what"))));
    if (const auto why = text_of(finding, "why"); !why.empty()) console.line("        why: " + shown(why));
    if (const auto fix = text_of(finding, "fix"); !fix.empty()) console.line("        fix: " + shown(fix));
}

}  // namespace

void print_findings(const Console& console, const boost::json::array& findings) {
    std::size_t errors = 0, ours = 0;
    for (const auto& value : findings) {
        const auto* finding = value.if_object();
        if (finding == nullptr) continue;
        errors += text_of(*finding, "severity") == "error" ? 1 : 0;
        ours += flag_of(*finding, "ours") ? 1 : 0;
        print_finding(console, *finding);
    }
    if (findings.empty()) return console.line("nothing is wrong");
    console.line(fmt::format("{}, {} of them {}; {} for `stowage doctor --fix`",
                             counted(findings.size(), "finding"), errors, errors == 1 ? "an error" : "errors",
                             ours));
}

}  // namespace stowage::cli
