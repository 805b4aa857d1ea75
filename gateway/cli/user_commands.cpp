// user add, passwd, list, remove.
// Runs in: CLI.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/new_passwords.hpp"
#include "gateway/cli/passwords.hpp"
#include "gateway/cli/site_secrets.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

struct Account {
    std::string user, lab;  ///< the lab is not known for `user passwd`
};

/// What to print once the gateway has taken a password.
void report(const Console& console, const Account& account, json::object answer, const PasswordChoice& choice,
            const Secret& password) {
    const bool shows = !choice.from_stdin && choice.secrets_file.empty();
    if (console.json) {
        if (answer.empty()) answer["name"] = account.user;
        if (shows) answer["password"] = password.reveal();
        if (!choice.secrets_file.empty()) answer["secrets_file"] = choice.secrets_file;
        return print_json(console, answer);
    }
    console.line(
        fmt::format("user {} {}", shown(account.user),
                    account.lab.empty() ? "has a new password" : "may log in to lab " + shown(account.lab)));
    if (shows) print_property(console, "password", fmt::format("{}   (shown this once)", password.reveal()));
    if (!choice.secrets_file.empty()) print_property(console, "password", "in " + choice.secrets_file);
}

/// Makes or reads a password, saves it if a file is wanted, sends it and only then shows it.
Result<Exit> set_password(Context& context, const Account& account, const PasswordChoice& choice,
                          const std::string& method, const std::string& target, json::object body) {
    TRY(auto secrets, open_secrets_file(choice.secrets_file));
    TRY(auto password, choice.from_stdin ? read_password() : generate_password());
    if (secrets) CHECK(secrets->add(account.user, account.lab, password));
    body["password"] = password.reveal();
    auto answer = fetch_object(context, {method, target, body_of(body)});
    if (answer) {
        report(context.console, account, std::move(*answer), choice, password);
        return Exit::done;
    }
    auto error = answer.error();
    if (!context.gateway.in_doubt()) {
        if (secrets) secrets->discard();
        return error;
    }
    if (secrets) error.remedy += fmt::format("; the password is kept in {}", secrets->path());
    if (choice.from_stdin || secrets) return error;
    std::vector<NewPassword> shown_once;
    shown_once.push_back({account.user, account.lab, std::move(password)});
    show_passwords(context.console, shown_once, true);
    return error;
}

/// A user of Run:ai has both passwords kept by the gateway before anything begins, until they are shown here.
Result<Exit> add_person(const UserAdd& command, Context& context) {
    TRY(auto file, open_secrets_file(command.password.secrets_file));
    TRY(const auto password, command.password.from_stdin ? read_password() : generate_password());
    json::object body{{"email", command.name}, {"lab", command.lab}, {"password", password.reveal()}};
    if (!command.project.empty()) body["project"] = command.project;
    if (!command.roles.empty()) body["roles"] = json::array(command.roles.begin(), command.roles.end());
    const auto result = follow_steps(context, {"POST", "/v1/people", body_of(body)});
    if (!result && !context.gateway.in_doubt()) return result.error();
    const auto given = command.password.from_stdin ? password.clone() : Secret();
    const auto handed = hand_over_secrets(context, file, command.name, given);
    if (!result) return with_secrets_kept(result.error());
    if (!handed) return handed.error();
    if (*handed > 0 && file && !context.console.json)
        print_property(context.console, "secrets", "in " + file->path());
    return conclude(context.console, *result);
}

Result<bool> has_runai(Context& context) {
    TRY(const auto status, fetch_object(context, {"GET", "/v1/status"}));
    const auto* runai = object_of(status, "runai");
    return runai != nullptr && flag_of(*runai, "configured");
}

}  // namespace

Result<Exit> run(const UserAdd& command, Context& context) {
    if (!command.ftps_only && command.name.find('@') != command.name.npos) {
        TRY(const bool runai, has_runai(context));
        if (runai) return add_person(command, context);
    }
    return set_password(context, {command.name, command.lab}, command.password, "POST", "/v1/users",
                        {{"name", command.name}, {"lab", command.lab}});
}

Result<Exit> run(const UserPasswd& command, Context& context) {
    return set_password(context, {command.name, ""}, command.password, "PUT",
                        "/v1/users/" + command.name + "/password", {});
}

Result<Exit> run(const UserList& command, Context& context) {
    const auto target = command.lab.empty() ? "/v1/users" : "/v1/users?lab=" + command.lab;
    TRY(const auto answer, fetch_object(context, {"GET", target}));
    const auto& console = context.console;
    const auto& users = list_of(answer, "users");
    if (command.names_only) {
        print_names(console, users);
    } else if (console.json) {
        print_json(console, answer);
    } else {
        print_users(console, users);
    }
    return Exit::done;
}

Result<Exit> run(const UserRemove& command, Context& context) {
    TRY(auto answer, fetch_object(context, {"DELETE", "/v1/users/" + command.name}));
    if (answer.empty()) answer["name"] = command.name;
    const auto& console = context.console;
    if (console.json) {
        print_json(console, answer);
        return Exit::done;
    }
    console.line(fmt::format("FTPS user {} is removed; files stay with the lab", shown(command.name)));
    const auto runai = text_of(answer, "runai_user");
    if (runai == "made" || runai == "adopted")
        console.line(fmt::format(
            "the user of Run:ai stays: {}",
            runai == "made" ? "`stowage prune FILE` deletes it, with a site file that does not name it"
                            : "stowage did not make it, so it is deleted in Run:ai itself"));
    return Exit::done;
}

}  // namespace stowage::cli
