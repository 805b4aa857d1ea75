// plan and apply.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <set>

#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/error_report.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/new_passwords.hpp"
#include "gateway/cli/passwords.hpp"
#include "gateway/cli/plan_view.hpp"
#include "gateway/cli/site_body.hpp"
#include "gateway/cli/site_pools.hpp"
#include "gateway/cli/site_secrets.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

std::vector<std::string> new_users_of(const json::object& plan, const Site& site) {
    std::vector<std::string> names;
    for (const auto& value : list_of(plan, "new_users")) {
        const auto* name = value.if_string();
        const auto asked = [&](const SiteUser& user) { return name != nullptr && user.name == *name; };
        if (std::any_of(site.users.begin(), site.users.end(), asked)) names.emplace_back(*name);
    }
    return names;
}

Result<std::vector<NewPassword>> make_passwords(const json::object& plan, const Site& site) {
    const auto names = new_users_of(plan, site);
    std::vector<NewPassword> passwords;
    for (const auto& user : site.users) {
        if (std::find(names.begin(), names.end(), user.name) == names.end()) continue;
        TRY(auto password, generate_password());
        passwords.push_back({user.name, user.lab, std::move(password)});
    }
    return passwords;
}

/// Whom this request made. Others of those whom it was to make may be there too, of another request that came
/// first: with that one's password.
std::set<std::string> made_by(const ResultEvent& result) {
    std::set<std::string> made;
    for (const auto& value : list_of(result.body, "users"))
        if (const auto* user = value.if_object()) made.insert(text_of(*user, "name"));
    return made;
}

/// Passwords of people of Run:ai are kept by the gateway until they are shown together with the others.
std::vector<NewPassword> without_people(std::vector<NewPassword> passwords, const Site& site) {
    std::erase_if(passwords, [&](const NewPassword& entry) {
        return std::any_of(site.users.begin(), site.users.end(), [&](const SiteUser& user) {
            return user.name == entry.user && !user.email.empty();
        });
    });
    return passwords;
}

/// Shows what has to be shown once, or says where it was saved.
/// @param result nothing: it broke off, the gateway goes on, and nobody would have the passwords of those
/// whom it comes to now
Result<void> hand_over(Context& context, std::vector<NewPassword> passwords,
                       std::optional<SecretsFile>& secrets, const Result<ResultEvent>& result) {
    if (result) {
        const auto made = made_by(*result);
        const auto is_made = [&](const NewPassword& entry) { return made.contains(entry.user); };
        for (const auto& entry : passwords)
            if (secrets && !is_made(entry)) CHECK(secrets->forget(entry.user));
        std::erase_if(passwords, std::not_fn(is_made));
    }
    if (passwords.empty()) return {};
    if (!secrets)
        show_passwords(context.console, passwords, !result);
    else if (!context.console.json)
        print_property(context.console, "passwords", "in " + secrets->path());
    return {};
}

void print_what_is_pending(const Console& console, const json::object& plan, const std::string& words) {
    const auto count = count_pending(plan);
    if (count.changes > 0)
        console.line(fmt::format("{} pending: `stowage apply {}`",
                                 counted(count.changes, "change is", "changes are"), words));
    if (count.blocked > 0)
        console.line(fmt::format("{} `stowage apply {}` leaves as it is: the remedy stands with each",
                                 counted(count.blocked, "difference"), words));
    if (count.runai_unknown)
        console.line("what is pending in Run:ai is not known: plan again when it answers");
    if (number_of(plan, "pending") == 0) console.line("nothing to do: everything is as the file says");
}

}  // namespace

Result<Exit> run(const Plan& command, Context& context) {
    TRY(const auto site, read_site_file(command.file));
    const SiteOptions options{command.adopt, false, {}};
    TRY(const auto plan, fetch_object(context, {"POST", "/v1/plan", site_body(site, {}, options)}));
    CHECK(check_pools(site, command.file, plan));
    const auto pending = number_of(plan, "pending");
    const bool changes = pending > 0;
    if (context.console.json) {
        print_json(context.console, plan);
    } else {
        print_plan(context.console, plan);
        print_what_is_pending(context.console, plan, shown(command.file) + (command.adopt ? " --adopt" : ""));
    }
    return changes ? Exit::pending : Exit::done;
}

Result<Exit> run(const Apply& command, Context& context) {
    TRY(const auto site, read_site_file(command.file));
    TRY(auto secrets, open_secrets_file(command.secrets_file));
    const SiteOptions options{command.adopt, false, {}};
    TRY(const auto plan, fetch_object(context, {"POST", "/v1/plan", site_body(site, {}, options)}));
    CHECK(check_pools(site, command.file, plan));
    TRY(auto passwords, make_passwords(plan, site));
    const auto body = site_body(site, passwords, options);
    passwords = without_people(std::move(passwords), site);
    if (secrets)
        for (const auto& entry : passwords)
            if (auto saved = secrets->add(entry.user, entry.lab, entry.password); !saved) {
                secrets->discard();  // nothing was sent
                return saved.error();
            }

    auto result = follow_steps(context, {"POST", "/v1/apply", body.clone()});
    if (!result && !context.gateway.in_doubt()) {
        if (secrets) secrets->discard();
        return result.error();
    }
    CHECK(hand_over(context, std::move(passwords), secrets, result));
    if (site.speaks_of_runai()) {
        // What cannot be shown now stays sealed: `stowage secrets`.
        const auto handed = hand_over_secrets(context, secrets, "");
        if (!handed && result) return handed.error();
        if (handed && *handed > 0 && secrets && !context.console.json)
            print_property(context.console, "secrets", "in " + secrets->path());
    }
    if (!result) return site.speaks_of_runai() ? with_secrets_kept(result.error()) : result.error();
    auto end = conclude(context.console, *result);
    if (end && *end != Exit::failed) return end;
    // The same whether a lab or something of Run:ai is left: the next apply goes on from there.
    if (!end) report(context.console, end.error());
    return Exit::pending;
}

}  // namespace stowage::cli
