// lab create, set, list, show, delete; verify.
// Runs in: CLI.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/site_file.hpp"
#include "gateway/cli/step_stream.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// What the mount check looked at; left out where its step has just told it.
enum class Checks { shown, left_out };

/// Shows the steps, then the labs that the result describes.
Result<Exit> follow_and_print(Context& context, const ControlRequest& request,
                              Checks checks = Checks::left_out) {
    TRY(const auto result, follow_steps(context, request));
    if (!context.console.json)
        for (const auto& lab : list_of(result.body, "labs"))
            if (const auto* object = lab.if_object(); object != nullptr && object->contains("state")) {
                print_lab(context.console, *object);
                if (checks == Checks::shown) print_checks(context.console, *object);
            }
    return conclude(context.console, result);
}

/// What somebody types on the terminal; empty on end of file.
Result<std::string> typed_line() {
    CHECK(wait_for(STDIN_FILENO, POLLIN, std::chrono::steady_clock::now() + std::chrono::minutes(5)));
    char line[256];
    const auto count = ::read(STDIN_FILENO, line, sizeof line);
    std::string text(line, count > 0 ? static_cast<std::size_t>(count) : 0);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

/// The name again, from --confirm or from the terminal, before a lab's data goes.
Result<void> confirm_purge(const LabDelete& command) {
    auto confirmed = command.confirm;
    if (confirmed.empty()) {
        if (!isatty(STDIN_FILENO))
            return Error{Code::usage, "--purge-data needs --confirm " + command.name,
                         "repeat the lab's name there: its data cannot be brought back"};
        fmt::print(stderr,
                   "All data of lab {} will be deleted and cannot be brought back.\nType its name to go on: ",
                   command.name);
        TRY(confirmed, typed_line());
    }
    if (confirmed == command.name) return {};
    return Error{Code::usage, fmt::format("\"{}\" is not the lab's name, nothing was deleted", confirmed),
                 fmt::format("confirm with {}", command.name)};
}

/// On a terminal, before users lose their accounts.
Result<void> confirm_users(Context& context, const LabDelete& command) {
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) || !command.confirm.empty()) return {};
    TRY(const auto lab, fetch_object(context, {"GET", "/v1/labs/" + command.name}));
    const auto users = list_of(lab, "users").size();
    if (users == 0) return {};
    fmt::print(stderr, "{} of lab {} will be removed; its data stays.\nType the lab's name to go on: ",
               counted(users, "FTPS user"), command.name);
    TRY(const auto typed, typed_line());
    if (typed == command.name) return {};
    return Error{Code::usage, "that is not the lab's name, nothing was deleted",
                 fmt::format("confirm with {}, or with --confirm", command.name)};
}

/// What is given of a lab's settings.
Result<json::object> settings_of(const LabCreate& command) {
    json::object body;
    if (command.quota_bytes) body["quota_bytes"] = *command.quota_bytes;
    if (command.quota_inodes) body["quota_inodes"] = *command.quota_inodes;
    if (!command.clients.empty())
        body["clients"] = json::array(command.clients.begin(), command.clients.end());
    if (!command.durability.empty()) body["durability"] = command.durability;
    if (!command.data_tls_resumption.empty()) body["data_tls_resumption"] = command.data_tls_resumption;
    if (!command.client_ca_file.empty()) {
        auto cas = read_client_cas(command.client_ca_file);
        if (!cas) return Error{Code::usage, "--client-ca: " + cas.error().what, cas.error().remedy};
        body["client_cas"] = *cas;
    }
    return body;
}

}  // namespace

Result<Exit> run(const LabCreate& command, Context& context) {
    TRY(auto body, settings_of(command));
    body["name"] = command.name;
    return follow_and_print(context, {"POST", "/v1/labs", body_of(body)});
}

Result<Exit> run(const LabSet& command, Context& context) {
    TRY(auto body, settings_of(command.wanted));
    if (command.without_client_ca) body["client_cas"] = "";
    return follow_and_print(context, {"PATCH", "/v1/labs/" + command.wanted.name, body_of(body)});
}

Result<Exit> run(const LabList& command, Context& context) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/labs"}));
    const auto& console = context.console;
    const auto& labs = list_of(answer, "labs");
    if (command.names_only) {
        print_names(console, labs);
    } else if (console.json) {
        print_json(console, answer);
    } else {
        print_labs(console, labs);
    }
    return Exit::done;
}

Result<Exit> run(const LabShow& command, Context& context) {
    TRY(const auto lab, fetch_object(context, {"GET", "/v1/labs/" + command.name}));
    if (context.console.json) {
        print_json(context.console, lab);
        return Exit::done;
    }
    print_lab(context.console, lab);
    print_checks(context.console, lab);
    return Exit::done;
}

Result<Exit> run(const LabDelete& command, Context& context) {
    if (!command.purge_data) {
        CHECK(confirm_users(context, command));
        return follow_and_print(context, {"DELETE", "/v1/labs/" + command.name});
    }
    CHECK(confirm_purge(command));
    return follow_and_print(context,
                            {"DELETE", fmt::format("/v1/labs/{0}?purge_data=1&confirm={0}", command.name)});
}

Result<Exit> run(const Verify& command, Context& context) {
    if (command.repair) {
        const ControlRequest as_asked{"PATCH", "/v1/labs/" + command.lab, body_of(json::object())};
        TRY(const auto repaired, follow_and_print(context, as_asked));
        if (repaired != Exit::done) return repaired;
    }
    return follow_and_print(context, {"POST", "/v1/labs/" + command.lab + "/verify"}, Checks::shown);
}

}  // namespace stowage::cli
