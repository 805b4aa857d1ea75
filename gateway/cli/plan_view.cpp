// What plan found, in words.
// Runs in: CLI. Distrusts: every field.
#include "gateway/cli/plan_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "gateway/base/counted.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

Colour colour_of_change(std::string_view change) {
    if (change == "create" || change == "adopt") return Colour::green;
    if (change == "change") return Colour::yellow;
    return change == "differs" || change == "blocked" || change == "remove" ? Colour::red : Colour::faint;
}

/// "  + create  department lab1", then a line for each field.
void print_item(const Console& console, const json::object& item) {
    const auto change = text_of(item, "change");
    const std::map<std::string_view, std::string_view> marks = {
        {"create", "+"}, {"change", "~"}, {"adopt", "="}, {"differs", "!"}, {"remove", "-"}};
    const auto mark = marks.find(change);
    console.line(fmt::format(
        "{} {}",
        console.painted(colour_of_change(change),
                        fmt::format("{} {:<8}", mark == marks.end() ? "?" : mark->second, shown(change))),
        shown(text_of(item, "title"))));
    if (const auto detail = text_of(item, "detail"); !detail.empty())
        console.line("             " + shown(detail));
    Table fields({"             FIELD", "NOW", "WANTED"});
    for (const auto& value : list_of(item, "fields"))
        if (const auto* field = value.if_object())
            fields.add({{"             " + text_of(*field, "field")},
                        {text_of(*field, "found"), Colour::red},
                        {text_of(*field, "wanted"), Colour::green}});
    if (!list_of(item, "fields").empty()) fields.print(console);
    const auto* error = object_of(item, "error");
    if (error != nullptr && list_of(item, "fields").empty() && text_of(item, "detail").empty())
        console.line("             " + shown(text_of(*error, "what")));
    if (error != nullptr) console.line("             remedy: " + shown(text_of(*error, "remedy")));
}

void print_runai(const Console& console, const json::object& runai) {
    if (const auto* error = object_of(runai, "error")) {
        console.line(
            console.painted(Colour::red, "Run:ai could not be read: " + shown(text_of(*error, "what"))));
        console.line("remedy: " + shown(text_of(*error, "remedy")));
        return;
    }
    std::map<std::string, int> unchanged;
    for (const char* key : {"items", "prune"})
        for (const auto& value : list_of(runai, key)) {
            const auto* item = value.if_object();
            if (item == nullptr) continue;
            if (text_of(*item, "change") == "unchanged")
                ++unchanged[text_of(*item, "kind")];
            else
                print_item(console, *item);
        }
    std::string same;
    for (const auto& [kind, count] : unchanged)
        same += (same.empty() ? "" : ", ") + counted(count, shown(kind));
    if (!same.empty()) console.line(console.painted(Colour::faint, "unchanged: " + same));
    for (const auto& value : list_of(runai, "warnings"))
        if (const auto* text = value.if_string())
            console.line(console.painted(Colour::yellow, "warning: " + shown(std::string(*text))));
}

}  // namespace

PlanCount count_pending(const json::object& plan) {
    PlanCount count;
    count.changes = number_of(plan, "pending");
    const auto* runai = object_of(plan, "runai");
    count.runai_unknown = runai != nullptr && object_of(*runai, "error") != nullptr;
    const auto blocked_in = [](const json::array& list) {
        return static_cast<std::uint64_t>(
            std::count_if(list.begin(), list.end(), [](const json::value& value) {
                const auto* one = value.if_object();
                return one != nullptr && object_of(*one, "error") != nullptr;
            }));
    };
    if (runai != nullptr) count.blocked = blocked_in(list_of(*runai, "items"));
    const auto of_steps = blocked_in(list_of(plan, "steps"));
    if (!count.runai_unknown) count.blocked += of_steps;
    const auto no_changes = count.blocked + (count.runai_unknown ? of_steps + 1 : 0);
    count.changes -= std::min(count.changes, no_changes);
    return count;
}

void print_plan(const Console& console, const json::object& plan) {
    const auto count = count_pending(plan);
    if (const auto* runai = object_of(plan, "runai")) print_runai(console, *runai);
    Table table({"CHANGE", "LAB", "STEP", "DETAIL"});
    bool any = false;
    std::string remedies;
    for (const auto& value : list_of(plan, "steps")) {
        const auto* step = value.if_object();
        if (step == nullptr) continue;
        const auto* error = object_of(*step, "error");
        auto change = text_of(*step, "change"), detail = text_of(*step, "detail");
        // Run:ai's silence stands above already.
        if (change == "unchanged" && (error == nullptr || count.runai_unknown)) continue;
        if (change == "unchanged") change = "not known";
        if (error != nullptr && !count.runai_unknown && change != "differs" && change != "not known")
            change = "blocked";
        if (error != nullptr && detail.empty()) detail = text_of(*error, "what");
        table.add({{change, colour_of_change(change)},
                   {text_of(*step, "lab")},
                   {text_of(*step, "title")},
                   {detail}});
        any = true;
        const auto remedy = error == nullptr || count.runai_unknown ? "" : text_of(*error, "remedy");
        if (!remedy.empty())
            remedies += fmt::format("remedy for {}: {}\n", shown(text_of(*step, "title")), shown(remedy));
    }
    if (any) table.print(console);
    if (!remedies.empty()) console.line(remedies.substr(0, remedies.size() - 1));
    const auto users = joined(list_of(plan, "new_users"));
    if (!users.empty()) console.line("new users: " + shown(users));
}

}  // namespace stowage::cli
