// status: processes, labs, Run:ai, NFS.
// Runs in: CLI.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

std::string with_reason(const json::object& part) {
    auto text = text_of(part, "state");
    const auto since = moment_of(part, "since"), why = text_of(part, "why");
    if (!since.empty()) text += " since " + since;
    return why.empty() ? text : text + ": " + why;
}

void print_processes(const Console& console, const json::array& processes) {
    if (processes.empty()) return;
    Table table({"PROCESS", "LAB", "PID", "STATE", "SESSIONS", "RESTARTS", "STARTED"});
    for (const auto& value : processes) {
        const auto* process = value.if_object();
        if (process == nullptr) continue;
        const bool running = flag_of(*process, "running");
        table.add({{text_of(*process, "process")},
                   {text_of(*process, "lab")},
                   {text_of(*process, "pid"), Colour::plain, true},
                   {running ? "running" : "stopped", running ? Colour::green : Colour::red},
                   {text_of(*process, "sessions"), Colour::plain, true},
                   {text_of(*process, "restarts"), Colour::plain, true},
                   {moment_of(*process, "started_at")}});
    }
    table.print(console);
}

/// What has drifted from the site file since it was applied.
void print_site(const Console& console, const json::object& site) {
    if (number_of(site, "at") == 0) return;
    const auto pending = number_of(site, "pending");
    const auto seen = "seen " + moment_of(site, "at");
    print_property(console, "site",
                   pending == 0 ? "Run:ai is as applied, " + seen
                                : fmt::format("{} objects in Run:ai are not as applied, {}", pending, seen),
                   pending == 0 ? Colour::green : Colour::yellow);
    for (const auto& line : list_of(site, "lines"))
        if (const auto* text = line.if_string()) print_property(console, "", std::string(*text));
    if (const auto error = text_of(site, "error"); !error.empty()) print_property(console, "", error);
}

void print_status(const Console& console, const json::object& status) {
    console.line(fmt::format("stowage {} runs since {}", shown(text_of(status, "version")),
                             shown(moment_of(status, "since"))));
    if (const auto* nfs = object_of(status, "nfs"))
        print_property(console, "nfs", fmt::format("{} {}", text_of(*nfs, "server"), with_reason(*nfs)));
    if (const auto* runai = object_of(status, "runai")) {
        const bool configured = flag_of(*runai, "configured");
        print_property(console, "run:ai", configured ? with_reason(*runai) : "not configured (runai.url)",
                       configured ? colour_of_state(text_of(*runai, "state")) : Colour::faint);
    }
    if (const auto* runai = object_of(status, "runai"))
        if (const auto* site = object_of(*runai, "site")) print_site(console, *site);
    console.line("");
    print_processes(console, list_of(status, "processes"));
    console.line("");
    print_labs(console, list_of(status, "labs"));
}

/// Ready labs only, or some that are not.
Exit exit_of(const json::object& status) {
    for (const auto& value : list_of(status, "labs"))
        if (const auto* lab = value.if_object(); lab != nullptr && text_of(*lab, "state") != "ready")
            return Exit::pending;
    return Exit::done;
}

}  // namespace

Result<Exit> run(const Status&, Context& context) {
    TRY(const auto status, fetch_object(context, {"GET", "/v1/status"}));
    if (context.console.json)
        print_json(context.console, status);
    else
        print_status(context.console, status);
    return exit_of(status);
}

}  // namespace stowage::cli
