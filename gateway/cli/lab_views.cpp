// Lab objects to lines and tables.
// Runs in: CLI.
#include "gateway/cli/lab_views.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ctime>

#include "gateway/base/counted.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/step_view.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

std::string limit_text(std::uint64_t bytes) {
    return bytes == 0 ? "none" : format_bytes(bytes);
}

/// Nothing below 80 %.
Colour colour_of_warning(std::uint64_t level) {
    return level >= 95 ? Colour::red : level > 0 ? Colour::yellow : Colour::plain;
}

/// "; ALMOST FULL" from 95 % on; milder before.
const char* words_of_warning(std::uint64_t level, std::uint64_t percent) {
    return percent >= 100 ? "; FULL"
           : level >= 95  ? "; ALMOST FULL"
           : level >= 90  ? "; little room is left"
           : level > 0    ? "; filling up"
                          : "";
}

// What nobody has counted is null in the gateway's answer: no filesystem is asked yet, or it counts none.
std::string used_space(const json::object& lab) {
    const auto used = known_number(lab, "used_bytes");
    return used ? format_bytes(*used) : "unknown";
}

std::string used_files(const json::object& lab) {
    const auto used = known_number(lab, "used_inodes");
    return used ? std::to_string(*used) : "unknown";
}

struct Limit {
    std::uint64_t asked = 0, in_force = 0;
    bool differs() const { return asked != in_force; }
};

/// What nobody knows to be otherwise is taken for what was asked.
Limit limit_of(const json::object& lab, std::string_view key) {
    const auto asked = number_of(lab, key);
    const auto* in_force = object_of(lab, "in_force");
    return {asked, in_force ? number_of(*in_force, key, asked) : asked};
}

/// "1.5GiB of 10TiB (0 %)", "1.5GiB without a limit", "limit 10TiB, not counted"
std::string space_text(const json::object& lab) {
    const auto limit = limit_of(lab, "quota_bytes").in_force;
    const auto used = known_number(lab, "used_bytes");
    if (!used)
        return limit == 0 ? "no limit, not counted"
                          : fmt::format("limit {}, not counted", format_bytes(limit));
    if (limit == 0) return format_bytes(*used) + " without a limit";
    return fmt::format("{} of {} ({:.0f} %)", format_bytes(*used), format_bytes(limit),
                       100.0 * static_cast<double>(*used) / static_cast<double>(limit));
}

/// "12 of 50000000 files", "12 files", "files not counted"
std::string files_text(const json::object& lab) {
    const auto limit = limit_of(lab, "quota_inodes").in_force;
    const auto used = known_number(lab, "used_inodes");
    if (!used)
        return limit == 0 ? "files not counted"
                          : fmt::format("at most {}, not counted", counted(limit, "file"));
    return limit == 0 ? counted(*used, "file") : fmt::format("{} of {}", *used, counted(limit, "file"));
}

/// "; asked 64MiB, in force 32MiB": after a change that failed, or somebody else's.
std::string unlike_asked(const json::object& lab) {
    std::string text;
    const auto files = [](std::uint64_t limit) {
        return limit ? counted(limit, "file") : "any number of files";
    };
    if (const auto bytes = limit_of(lab, "quota_bytes"); bytes.differs())
        text += fmt::format("; asked {}, in force {}", limit_text(bytes.asked), limit_text(bytes.in_force));
    if (const auto inodes = limit_of(lab, "quota_inodes"); inodes.differs())
        text += fmt::format("; asked {}, in force {}", files(inodes.asked), files(inodes.in_force));
    return text;
}

/// "1.5GiB of 10TiB (0 %), 12 of 50000000 files; enforced by xfs"
std::string quota_text(const json::object& lab) {
    auto text = space_text(lab) + ", " + files_text(lab) + unlike_asked(lab);
    const auto backend = text_of(lab, "quota_backend");
    const auto why = text_of(lab, "quota_why");
    if (backend == "none")
        return text + "; not enforced: " + (why.empty() ? "this filesystem has no quotas" : why);
    if (!backend.empty()) text += "; enforced by " + backend;
    return text + words_of_warning(number_of(lab, "quota_warning"), number_of(lab, "used_percent"));
}

/// ", 4 min ago": the gateway's look at a lab that nobody changes is as old as its last pass.
std::string age_text(const json::object& lab, std::int64_t now) {
    const auto seen = static_cast<std::int64_t>(number_of(lab, "seen_at"));
    if (seen == 0 || now - seen < 60) return {};
    return fmt::format(", {} min ago", (now - seen) / 60);
}

/// "9.5GiB 95%" once it is worth a warning.
std::string used_text(const json::object& lab, std::int64_t now) {
    const auto used = used_space(lab), age = known_number(lab, "used_bytes") ? age_text(lab, now) : "";
    if (number_of(lab, "quota_warning") == 0) return used + age;
    return fmt::format("{} {}%{}", used, number_of(lab, "used_percent"), age);
}

/// "for 10.0.0.0/8", "asked for 10.77.1.1/32, served to 10.77.0.0/16"
std::string clients_text(const json::object& lab) {
    const auto asked = joined(list_of(lab, "clients"));
    const auto* in_force = object_of(lab, "in_force");
    const auto state = in_force ? text_of(*in_force, "export") : std::string();
    if (state == "missing") return fmt::format("asked for {}, not served", asked);
    if (state != "otherwise") return "for " + asked;
    const auto served = joined(list_of(*in_force, "clients"));
    return fmt::format("asked for {}, served {}", asked,
                       served.empty() || served == asked ? "otherwise" : "to " + served);
}

std::string limit_cell(const json::object& lab) {
    const auto limit = limit_of(lab, "quota_bytes");
    const auto asked = limit_text(limit.asked);
    return limit.differs() ? fmt::format("{}, in force {}", asked, limit_text(limit.in_force)) : asked;
}

void print_export(const Console& console, const json::object& lab) {
    const auto* share = object_of(lab, "export");
    if (share == nullptr) return;
    const auto server = text_of(*share, "server"), path = text_of(*share, "path");
    const auto port = number_of(*share, "port", 2049);
    const auto clients = clients_text(lab);
    print_property(console, "export", fmt::format("{}:{} {}", server, path, clients),
                   clients.starts_with("asked") ? Colour::yellow : Colour::plain);
    print_property(
        console, "mount",
        fmt::format("mount -t nfs4 {}{}:{} /mnt/nfs",
                    port == 2049 ? std::string() : fmt::format("-o port={} ", port), server, path));
}

/// "durability none, data TLS resumption required (default)"
void print_ftps(const Console& console, const json::object& lab) {
    const auto* ftps = object_of(lab, "ftps");
    if (ftps == nullptr) return;
    const auto setting = [&](const char* key, const char* words) {
        const auto* choice = object_of(*ftps, key);
        if (choice == nullptr) return std::string();
        return fmt::format("{} {}{}", words, text_of(*choice, "value"),
                           text_of(*choice, "from") == "lab" ? "" : " (default)");
    };
    print_property(
        console, "FTPS",
        setting("durability", "durability") + ", " + setting("data_tls_resumption", "data TLS resumption") +
            (text_of(*ftps, "client_certificates") == "demanded" ? ", client certificates demanded" : ""));
}

void print_data_source(const Console& console, const json::object& lab) {
    const auto* source = object_of(lab, "data_source");
    if (source == nullptr || text_of(*source, "name").empty()) return;
    const auto state = text_of(*source, "state"), scope = text_of(*source, "scope");
    auto text = text_of(*source, "name");
    if (!scope.empty()) text += " in " + scope;
    if (!text_of(*source, "mount_path").empty()) text += ", pods see it at " + text_of(*source, "mount_path");
    if (!state.empty()) text += " (" + state + ")";
    print_property(console, "data source", text);
}

/// "quota was 1GiB instead of 10TiB: repaired 2026-…"
void print_drift(const Console& console, const json::object& lab) {
    for (const auto& value : list_of(lab, "drift"))
        if (const auto* one = value.if_object())
            print_property(console, "drift",
                           fmt::format("{} {} {} instead of {}: {}, found {}", text_of(*one, "what"),
                                       flag_of(*one, "open") ? "is" : "was", text_of(*one, "was"),
                                       text_of(*one, "should_be"), text_of(*one, "outcome"),
                                       moment_of(*one, "found_at")),
                           flag_of(*one, "open") ? Colour::yellow : Colour::faint);
}

/// "quota", "quota 1GiB": the name is there already.
std::string without_name(std::string detail, const std::string& name) {
    return detail.starts_with(name + " ") ? detail.substr(name.size() + 1) : detail;
}

}  // namespace

Colour colour_of_state(std::string_view state) {
    if (state == "ready" || state == "ok" || state == "running") return Colour::green;
    if (state == "failed") return Colour::red;
    return Colour::yellow;
}

void print_lab(const Console& console, const json::object& lab) {
    const auto state = text_of(lab, "state"), why = text_of(lab, "why");
    console.line(fmt::format("{} is {}{}", console.painted(Colour::bold, shown(text_of(lab, "name"))),
                             console.painted(colour_of_state(state), shown(state)),
                             why.empty() ? "" : ": " + shown(why)));
    print_property(console, "directory",
                   fmt::format("{} (uid {}, gid {})", text_of(lab, "directory"), text_of(lab, "uid"),
                               text_of(lab, "gid")));
    print_property(console, "space", quota_text(lab), colour_of_warning(number_of(lab, "quota_warning")));
    print_export(console, lab);
    print_ftps(console, lab);
    print_data_source(console, lab);
    print_property(console, "users", joined(list_of(lab, "users")));
    print_property(console, "verified", moment_of(lab, "verified_at"));
    print_drift(console, lab);
}

void print_checks(const Console& console, const json::object& lab) {
    for (const auto& value : list_of(lab, "checks")) {
        const auto* check = value.if_object();
        if (check == nullptr) continue;
        StepEvent event{.lab = {},
                        .step = {},
                        .title = text_of(*check, "name"),
                        .detail = without_name(text_of(*check, "detail"), text_of(*check, "name")),
                        .state = flag_of(*check, "ok") ? StepState::done : StepState::failed};
        event.ms = number_of(*check, "ms");
        console.line(step_line(console, event));
    }
}

void print_labs(const Console& console, const json::array& labs) {
    if (labs.empty()) return console.line("There is no lab yet: `stowage lab create NAME`.");
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    Table table({"LAB", "STATE", "USED", "QUOTA", "FILES", "USERS", "WHY"});
    for (const auto& value : labs) {
        const auto* lab = value.if_object();
        if (lab == nullptr) continue;
        const auto state = text_of(*lab, "state");
        table.add({{text_of(*lab, "name")},
                   {state, colour_of_state(state)},
                   {used_text(*lab, now), colour_of_warning(number_of(*lab, "quota_warning")), true},
                   {limit_cell(*lab), Colour::plain, true},
                   {used_files(*lab), Colour::plain, true},
                   {std::to_string(list_of(*lab, "users").size()), Colour::plain, true},
                   {text_of(*lab, "why")}});
    }
    table.print(console);
}

void print_names(const Console& console, const json::array& named) {
    json::array names;
    for (const auto& value : named)
        if (const auto* object = value.if_object()) names.emplace_back(text_of(*object, "name"));
    if (console.json) {
        json::object answer;
        answer["names"] = std::move(names);
        return print_json(console, answer);
    }
    for (const auto& name : names)
        console.line(shown(name.get_string()));
}

void print_users(const Console& console, const json::array& users) {
    if (users.empty()) return console.line("There is no user yet: `stowage user add NAME --lab LAB`.");
    Table table({"USER", "LAB", "CREATED"});
    for (const auto& value : users)
        if (const auto* user = value.if_object())
            table.add({{text_of(*user, "name")}, {text_of(*user, "lab")}, {moment_of(*user, "created_at")}});
    table.print(console);
}

}  // namespace stowage::cli
