// plan and apply.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/new_passwords.hpp"
#include "gateway/cli/passwords.hpp"
#include "gateway/cli/site_file.hpp"
#include "gateway/cli/step_stream.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

json::object lab_json(const SiteLab& lab) {
    json::object object{{"name", lab.name}};
    if (lab.quota_bytes) object["quota_bytes"] = *lab.quota_bytes;
    if (lab.quota_inodes) object["quota_inodes"] = *lab.quota_inodes;
    if (lab.clients) object["clients"] = json::array(lab.clients->begin(), lab.clients->end());
    if (lab.durability) object["durability"] = *lab.durability;
    if (lab.data_tls_resumption) object["data_tls_resumption"] = *lab.data_tls_resumption;
    if (lab.client_cas) object["client_cas"] = *lab.client_cas;
    return object;
}

/// The body of plan and apply. `passwords` are those of users that will be made.
Secret site_body(const Site& site, const std::vector<NewPassword>& passwords) {
    json::array labs, users;
    for (const auto& lab : site.labs)
        labs.push_back(lab_json(lab));
    for (const auto& user : site.users) {
        json::object object{{"name", user.name}, {"lab", user.lab}};
        for (const auto& entry : passwords)
            if (entry.user == user.name) object["password"] = entry.password.reveal();
        users.push_back(std::move(object));
    }
    return body_of({{"labs", std::move(labs)}, {"users", std::move(users)}});
}

Colour colour_of_change(std::string_view change) {
    if (change == "create" || change == "adopt") return Colour::green;
    if (change == "change") return Colour::yellow;
    return change == "differs" ? Colour::red : Colour::faint;
}

void print_plan(const Console& console, const json::object& plan) {
    Table table({"CHANGE", "LAB", "STEP", "DETAIL"});
    bool any = false;
    for (const auto& value : list_of(plan, "steps")) {
        const auto* step = value.if_object();
        if (step == nullptr || text_of(*step, "change") == "unchanged") continue;
        const auto change = text_of(*step, "change");
        table.add({{change, colour_of_change(change)},
                   {text_of(*step, "lab")},
                   {text_of(*step, "title")},
                   {text_of(*step, "detail")}});
        any = true;
    }
    if (any) table.print(console);
    const auto users = joined(list_of(plan, "new_users"));
    if (!users.empty()) console.line("new users: " + shown(users));
}

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

/// After a failure: the passwords whose users are there now. Code of the gateway's silence when it cannot be
/// asked.
Result<std::vector<NewPassword>> only_made(Context& context, std::vector<NewPassword> passwords) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/users"}));
    std::set<std::string> there;
    for (const auto& value : list_of(answer, "users"))
        if (const auto* user = value.if_object()) there.insert(text_of(*user, "name"));
    std::erase_if(passwords, [&](const NewPassword& entry) { return !there.contains(entry.user); });
    return passwords;
}

/// Shows what has to be shown once, or says where it was saved.
void hand_over(Context& context, std::vector<NewPassword> passwords,
               const std::optional<SecretsFile>& secrets, bool all_made) {
    if (passwords.empty()) return;
    if (secrets) {
        if (!context.console.json) print_property(context.console, "passwords", "in " + secrets->path());
        return;
    }
    if (all_made) return show_passwords(context.console, passwords, false);
    std::vector<NewPassword> all;
    for (const auto& entry : passwords)
        all.push_back({entry.user, entry.lab, entry.password.clone()});
    auto made = only_made(context, std::move(passwords));
    if (made)
        show_passwords(context.console, *made, false);
    else
        show_passwords(context.console, all, true);
}

}  // namespace

Result<Exit> run(const Plan& command, Context& context) {
    TRY(const auto site, read_site_file(command.file));
    TRY(const auto plan, fetch_object(context, {"POST", "/v1/plan", site_body(site, {})}));
    const auto pending = number_of(plan, "pending");
    const bool changes = pending > 0 || !list_of(plan, "new_users").empty();
    if (context.console.json) {
        print_json(context.console, plan);
    } else {
        print_plan(context.console, plan);
        context.console.line(changes ? fmt::format("{} change{} pending: `stowage apply {}`", pending,
                                                   pending == 1 ? " is" : "s are", shown(command.file))
                                     : "nothing to do: everything is as the file says");
    }
    return changes ? Exit::pending : Exit::done;
}

Result<Exit> run(const Apply& command, Context& context) {
    TRY(const auto site, read_site_file(command.file));
    TRY(auto secrets, open_secrets_file(command.secrets_file));
    TRY(const auto plan, fetch_object(context, {"POST", "/v1/plan", site_body(site, {})}));
    TRY(auto passwords, make_passwords(plan, site));
    if (secrets)
        for (const auto& entry : passwords)
            CHECK(secrets->add(entry.user, entry.lab, entry.password));

    auto result = follow_steps(context, {"POST", "/v1/apply", site_body(site, passwords)});
    if (!result && !context.gateway.in_doubt()) {
        if (secrets) secrets->discard();
        return result.error();
    }
    hand_over(context, std::move(passwords), secrets, result && result->ok);
    if (!result) return result.error();
    return conclude(context.console, *result);
}

}  // namespace stowage::cli
