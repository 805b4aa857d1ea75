// status: processes, labs, Run:ai, NFS.
// Runs in: CLI.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>

#include "gateway/base/atomic_file.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/table.hpp"
#include "gateway/cli/tls_view.hpp"

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

/// What the gateway serves: it publishes that beside its socket.
std::optional<CertificateFacts> certificate_beside(const std::string& socket) {
    const auto chain = read_file(published_certificate(std::filesystem::path(socket).parent_path()));
    if (!chain) return {};
    const auto facts = describe_certificate(*chain);
    return facts ? std::optional(*facts) : std::nullopt;
}

void print_status(const Console& console, const json::object& status,
                  const std::optional<CertificateFacts>& certificate) {
    console.line(fmt::format("stowage {} runs since {}", shown(text_of(status, "version")),
                             shown(moment_of(status, "since"))));
    if (const auto* nfs = object_of(status, "nfs"))
        print_property(console, "nfs", fmt::format("{} {}", text_of(*nfs, "server"), with_reason(*nfs)));
    if (const auto* runai = object_of(status, "runai")) {
        const bool configured = flag_of(*runai, "configured");
        print_property(console, "run:ai", configured ? with_reason(*runai) : "not configured (runai.url)",
                       configured ? colour_of_state(text_of(*runai, "state")) : Colour::faint);
    }
    if (certificate) print_certificate_line(console, *certificate);
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
    TRY(auto status, fetch_object(context, {"GET", "/v1/status"}));
    const auto certificate = certificate_beside(context.gateway.socket_path());
    if (certificate) status["certificate"] = certificate_json(*certificate);
    if (context.console.json)
        print_json(context.console, status);
    else
        print_status(context.console, status, certificate);
    return exit_of(status);
}

}  // namespace stowage::cli
