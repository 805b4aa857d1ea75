// prune: what we made in Run:ai and the file does not name any more.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "gateway/base/counted.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/plan_view.hpp"
#include "gateway/cli/site_body.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

std::vector<std::string> titles_in(const json::object& plan) {
    std::vector<std::string> titles;
    if (const auto* runai = object_of(plan, "runai"))
        for (const auto& value : list_of(*runai, "prune"))
            if (const auto* item = value.if_object()) titles.push_back(text_of(*item, "title"));
    return titles;
}

/// What the file does not name, and prune does not delete.
struct Left {
    std::vector<std::string> ftps_users, units;
};

std::vector<std::string> units_left(const json::object& plan) {
    std::vector<std::string> titles;
    if (const auto* runai = object_of(plan, "runai"))
        for (const auto& value : list_of(*runai, "stay"))
            if (const auto* title = value.if_string()) titles.emplace_back(*title);
    return titles;
}

/// Those who can log in and whom the file does not name: an account of FTPS is not Run:ai's.
Result<std::vector<std::string>> ftps_users_left(Context& context, const Site& site) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/users"}));
    std::vector<std::string> names;
    for (const auto& value : list_of(answer, "users"))
        if (const auto* user = value.if_object()) names.push_back(text_of(*user, "name"));
    std::erase_if(names, [&](const std::string& name) {
        return std::any_of(site.users.begin(), site.users.end(),
                           [&](const SiteUser& user) { return user.name == name; });
    });
    return names;
}

/// "a, b and 3 more"
std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most_shown = 10;
    const auto first = std::vector(names.begin(), names.begin() + std::min(names.size(), most_shown));
    const auto more = names.size() > most_shown ? fmt::format(" and {} more", names.size() - most_shown) : "";
    return fmt::format("{}{}", fmt::join(first, ", "), more);
}

void print_what_stays(const Console& console, const Left& left) {
    if (!left.ftps_users.empty())
        console.line(shown(fmt::format(
            "FTPS users that the file does not name stay: {}; `stowage user remove NAME` removes one",
            some_of(left.ftps_users))));
    if (!left.units.empty())
        console.line(
            shown(fmt::format("What stowage made and never deletes stays in Run:ai: {}; others' work may "
                              "be in it, so delete it there",
                              some_of(left.units))));
}

/// What was done, and what is left to be done by another command.
void report(const Console& console, json::object answer, const Left& left) {
    if (console.json) {
        answer.emplace("deleted", 0);
        answer.emplace("failures", json::array());
        answer["ftps_users"] = json::array(left.ftps_users.begin(), left.ftps_users.end());
        answer["stay"] = json::array(left.units.begin(), left.units.end());
        return print_json(console, answer);
    }
    if (answer.empty())
        console.line("nothing to delete: what stowage made in Run:ai is in the file");
    else
        console.line(fmt::format("{} deleted", number_of(answer, "deleted")));
    for (const auto& value : list_of(answer, "failures"))
        if (const auto* item = value.if_object())
            if (const auto* error = object_of(*item, "error"))
                console.line(console.painted(Colour::red, shown(text_of(*error, "what"))));
    print_what_stays(console, left);
}

/// The number of things, typed again: a yes is said too easily.
Result<void> confirm(const Console& console, std::size_t count, const std::optional<std::uint64_t>& given) {
    if (given && *given == count) return {};
    if (given)
        return Error{
            Code::usage,
            fmt::format("--confirm {}: {} to be deleted", *given, counted(count, "thing is", "things are")),
            "see what they are without --confirm"};
    console.line(fmt::format("{} to be deleted in Run:ai. Type the number to go on: ",
                             counted(count, "thing is", "things are")));
    std::fflush(console.out);
    std::string line;
    if (std::getline(std::cin, line) && line == std::to_string(count)) return {};
    return Error{Code::cancelled, "nothing was deleted", fmt::format("confirm with --confirm {}", count)};
}

}  // namespace

Result<Exit> run(const Prune& command, Context& context) {
    const auto& console = context.console;
    TRY(const auto site, read_site_file(command.file));
    TRY(const auto plan, fetch_object(context, {"POST", "/v1/plan", site_body(site, {}, {false, true, {}})}));
    const auto titles = titles_in(plan);
    TRY(auto ftps_users, ftps_users_left(context, site));
    const Left left{std::move(ftps_users), units_left(plan)};
    if (titles.empty()) {
        report(console, {}, left);
        return Exit::done;
    }
    if (!console.json)
        for (const auto& title : titles)
            console.line(console.painted(Colour::red, "- delete ") + shown(title));
    CHECK(confirm(console, titles.size(), command.confirm));
    TRY(const auto answer,
        fetch_object(context, {"POST", "/v1/prune", site_body(site, {}, {false, true, titles})}));
    report(console, answer, left);
    return list_of(answer, "failures").empty() ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
