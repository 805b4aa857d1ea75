// status: processes, labs, Run:ai, NFS.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <functional>

#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/gateway_error.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/metrics_view.hpp"
#include "gateway/cli/table.hpp"
#include "gateway/cli/tls_view.hpp"
#include "gateway/preflight/preflight.hpp"

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
    const auto error = text_of(site, "error");
    if (number_of(site, "at") == 0 && error.empty()) return;
    const auto pending = number_of(site, "pending");
    const auto seen = "seen " + moment_of(site, "at");
    print_property(console, "site",
                   pending == 0
                       ? "Run:ai is as applied, " + seen
                       : fmt::format("{} not as applied, {}",
                                     counted(pending, "object in Run:ai is", "objects in Run:ai are"), seen),
                   pending == 0 ? Colour::green : Colour::yellow);
    for (const auto& value : list_of(site, "lines"))
        if (const auto* line = value.if_object())
            print_property(console, "",
                           fmt::format("{}: {}, since {}", text_of(*line, "what"), text_of(*line, "why"),
                                       moment_of(*line, "since")));
    if (!error.empty())
        print_property(console, "",
                       fmt::format("not seen since {}: {}", moment_of(site, "error_since"), error),
                       Colour::yellow);
}

constexpr std::uint64_t recent_seconds = 86400;

/// What somebody else changed about labs: all that is still so, and the rest of the last day.
void print_drift(const Console& console, const json::array& labs) {
    Table table({"DRIFT", "WHAT", "WAS", "SHOULD BE", "FOUND", "OUTCOME"});
    bool any = false;
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    for (const auto& value : labs) {
        const auto* lab = value.if_object();
        if (lab == nullptr) continue;
        for (const auto& entry : list_of(*lab, "drift")) {
            const auto* drift = entry.if_object();
            if (drift == nullptr) continue;
            const bool open = flag_of(*drift, "open");
            if (!open && number_of(*drift, "found_at") + recent_seconds < now) continue;
            any = true;
            table.add({{text_of(*lab, "name")},
                       {text_of(*drift, "what")},
                       {text_of(*drift, "was")},
                       {text_of(*drift, "should_be")},
                       {moment_of(*drift, "found_at")},
                       {text_of(*drift, "outcome"), open ? Colour::yellow : Colour::green}});
        }
    }
    if (!any) return;
    console.line("");
    table.print(console);
}

/// "kernel, pods reach it at nas.example.org, port 2049"
std::string nfs_text(const json::object& nfs) {
    auto text = text_of(nfs, "server");
    if (const auto address = text_of(nfs, "address"); !address.empty())
        text += fmt::format(", pods reach it at {}, port {}", address, number_of(nfs, "port", 2049));
    return text;
}

void print_nfs(const Console& console, const json::object& nfs) {
    print_property(console, "nfs", nfs_text(nfs));
    if (text_of(nfs, "server") != "kernel") return;
    const auto port = static_cast<std::uint16_t>(number_of(nfs, "port", 2049));
    if (const auto up = check_nfsd(port); !up)
        print_property(console, "", fmt::format("{}; {}", up.error().what, up.error().remedy), Colour::red);
}

void print_status(const Console& console, const json::object& status,
                  const Result<CertificateFacts>& certificate) {
    console.line(fmt::format("stowage {} runs since {}", shown(text_of(status, "version")),
                             shown(moment_of(status, "since"))));
    if (const auto* nfs = object_of(status, "nfs")) print_nfs(console, *nfs);
    if (const auto* runai = object_of(status, "runai")) {
        const bool configured = flag_of(*runai, "configured");
        print_property(console, "run:ai", configured ? with_reason(*runai) : "not configured (runai.url)",
                       configured ? colour_of_state(text_of(*runai, "state")) : Colour::faint);
    }
    if (const auto* runai = object_of(status, "runai"))
        if (const auto* site = object_of(*runai, "site")) print_site(console, *site);
    if (const auto waiting = number_of(status, "secrets"); waiting > 0)
        print_property(console, "secrets",
                       counted(waiting, "secret of a new user waits", "secrets of new users wait") +
                           " to be shown, a day at most: `stowage secrets`",
                       Colour::yellow);
    if (certificate) print_certificate_line(console, *certificate);
    console.line("");
    print_processes(console, list_of(status, "processes"));
    console.line("");
    print_labs(console, list_of(status, "labs"));
    print_drift(console, list_of(status, "labs"));
}

bool all(const json::array& list, const std::function<bool(const json::object&)>& is_well) {
    return std::all_of(list.begin(), list.end(), [&](const json::value& value) {
        const auto* object = value.if_object();
        return object == nullptr || is_well(*object);
    });
}

/// Every process runs and every lab is ready, or not yet.
Exit exit_of(const json::object& status) {
    const bool well = all(list_of(status, "labs"),
                          [](const json::object& lab) { return text_of(lab, "state") == "ready"; }) &&
                      all(list_of(status, "processes"),
                          [](const json::object& process) { return flag_of(process, "running"); });
    return well ? Exit::done : Exit::pending;
}

}  // namespace

Result<Exit> run(const Status& command, Context& context) {
    TRY(auto status, fetch_object(context, {"GET", "/v1/status"}));
    const auto certificate = served_certificate(context.gateway.socket_path());
    if (certificate) status["certificate"] = certificate_json(*certificate);
    if (command.metrics && context.console.json)
        print_json(context.console, {{"metrics", metrics_text(status)}});
    else if (command.metrics)
        std::fputs(metrics_text(status).c_str(), context.console.out);
    else if (context.console.json)
        print_json(context.console, status);
    else
        print_status(context.console, status, certificate);
    if (const auto* error = object_of(status, "error")) {
        // With --json it is in the object already.
        std::fflush(context.console.out);
        std::fputs(error_text(error_from(*error)).c_str(), stderr);
        return Exit::failed;
    }
    return command.metrics ? Exit::done : exit_of(status);
}

}  // namespace stowage::cli
