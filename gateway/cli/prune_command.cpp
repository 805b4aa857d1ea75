// prune: what we made in Run:ai and the file does not name any more.
// Runs in: CLI.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <iostream>

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

/// The number of things, typed again: a yes is said too easily.
Result<void> confirm(const Console& console, std::size_t count, const std::optional<std::uint64_t>& given) {
    if (given && *given == count) return {};
    if (given)
        return Error{Code::usage, fmt::format("--confirm {}: there are {} things to delete", *given, count),
                     "see what they are without --confirm"};
    console.line(fmt::format("These {} are deleted in Run:ai. Type their number to go on: ", count));
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
    if (titles.empty()) {
        if (!console.json) console.line("nothing to delete: what stowage made in Run:ai is in the file");
        return Exit::done;
    }
    if (!console.json)
        for (const auto& title : titles)
            console.line(console.painted(Colour::red, "- delete ") + shown(title));
    CHECK(confirm(console, titles.size(), command.confirm));
    TRY(const auto answer,
        fetch_object(context, {"POST", "/v1/prune", site_body(site, {}, {false, true, titles})}));
    if (console.json) {
        print_json(console, answer);
    } else {
        console.line(fmt::format("{} deleted", number_of(answer, "deleted")));
        for (const auto& value : list_of(answer, "failures"))
            if (const auto* item = value.if_object())
                if (const auto* error = object_of(*item, "error"))
                    console.line(console.painted(Colour::red, shown(text_of(*error, "what"))));
    }
    return list_of(answer, "failures").empty() ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
