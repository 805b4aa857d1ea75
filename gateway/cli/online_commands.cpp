// sessions, sessions kill; bans list, bans clear.
// Runs in: CLI. Distrusts: what clients chose (names, paths, programs): the table escapes it.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

// On the screen; --json has them whole.
constexpr std::size_t longest_path = 60, longest_client = 24;

/// The end of a path says more than its beginning.
std::string tail(const std::string& text, std::size_t most) {
    return text.size() <= most ? text : "..." + text.substr(text.size() - most + 3);
}

std::string lasted(std::uint64_t seconds) {
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

bool is_wanted(const json::object& session, const Sessions& command) {
    return (command.lab.empty() || text_of(session, "lab") == command.lab) &&
           (command.user.empty() || text_of(session, "user") == command.user);
}

/// Page by page: the gateway tells a hundred at a time.
Result<json::array> fetch_sessions(const Sessions& command, Context& context) {
    json::array sessions;
    std::uint64_t after = 0;
    for (bool more = true; more;) {
        TRY(const auto page, fetch_object(context, {"GET", fmt::format("/v1/sessions?after={}", after)}));
        const auto before = after;
        for (const auto& value : list_of(page, "sessions")) {
            const auto* session = value.if_object();
            if (session == nullptr) continue;
            after = std::max(after, number_of(*session, "id"));
            if (is_wanted(*session, command)) sessions.push_back(value);
        }
        more = flag_of(page, "more") && after > before;
    }
    return sessions;
}

std::vector<Cell> row_of(const json::object& session) {
    const auto* doing = object_of(session, "doing");
    const auto verb = doing ? text_of(*doing, "verb") : "does not answer";
    const bool moves = doing && number_of(*doing, "bytes") > 0;
    const auto seconds = !doing         ? 0
                         : verb.empty() ? number_of(*doing, "idle_s")
                                        : number_of(*doing, "ms") / 1000;
    const auto megabytes = doing ? static_cast<double>(number_of(*doing, "bytes_per_s")) / 1e6 : 0.0;
    return {{text_of(session, "id"), Colour::plain, true},
            {text_of(session, "user")},
            {text_of(session, "lab")},
            {text_of(session, "peer")},
            {moment_of(session, "since")},
            {text_of(session, "client").substr(0, longest_client)},
            {verb.empty() ? "idle" : verb, doing ? Colour::plain : Colour::red},
            {doing ? lasted(seconds) : "", Colour::plain, true},
            {moves ? format_bytes(number_of(*doing, "bytes")) : "", Colour::plain, true},
            {moves ? fmt::format("{:.1f}", megabytes) : "", Colour::plain, true},
            {doing ? tail(text_of(*doing, "path"), longest_path) : ""}};
}

/// The gateway's list of sessions knows of no labs: a mistyped one would look like a quiet one.
Result<void> check_there(Context& context, const std::string& lab) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/labs"}));
    for (const auto& value : list_of(answer, "labs"))
        if (const auto* one = value.if_object(); one != nullptr && text_of(*one, "name") == lab) return {};
    return Error{Code::not_found, fmt::format("there is no lab {}", lab), "see `stowage lab list`"};
}

void print_sessions(const Console& console, const json::array& sessions, const std::string& lab) {
    if (sessions.empty())
        return console.line(lab.empty() ? "Nobody is logged in."
                                        : fmt::format("Nobody of lab {} is logged in.", lab));
    Table table({"ID", "USER", "LAB", "PEER", "SINCE", "CLIENT", "DOING", "FOR", "BYTES", "MB/S", "PATH"});
    for (const auto& value : sessions)
        table.add(row_of(value.get_object()));
    table.print(console);
}

void print_bans(const Console& console, const json::array& bans) {
    if (bans.empty()) return console.line("No address is banned.");
    Table table({"ADDRESS", "SINCE", "UNTIL", "FAILURES", "LAST USER"});
    for (const auto& value : bans)
        if (const auto* ban = value.if_object())
            table.add({{text_of(*ban, "address")},
                       {moment_of(*ban, "since")},
                       {moment_of(*ban, "until")},
                       {text_of(*ban, "failures"), Colour::plain, true},
                       {text_of(*ban, "user")}});
    table.print(console);
}

}  // namespace

Result<Exit> run(const Sessions& command, Context& context) {
    TRY(auto sessions, fetch_sessions(command, context));
    if (sessions.empty() && !command.lab.empty()) CHECK(check_there(context, command.lab));
    if (context.console.json) {
        json::object answer;
        answer["sessions"] = std::move(sessions);
        print_json(context.console, answer);
    } else {
        print_sessions(context.console, sessions, command.lab);
    }
    return Exit::done;
}

Result<Exit> run(const SessionKill& command, Context& context) {
    TRY(const auto answer,
        fetch_object(context, {"DELETE", fmt::format("/v1/sessions/{}", command.session)}));
    if (context.console.json)
        print_json(context.console, answer);
    else
        context.console.line(fmt::format("session {} is ended", command.session));
    return Exit::done;
}

Result<Exit> run(const BanList&, Context& context) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/bans"}));
    if (context.console.json)
        print_json(context.console, answer);
    else
        print_bans(context.console, list_of(answer, "bans"));
    return Exit::done;
}

Result<Exit> run(const BanClear& command, Context& context) {
    const auto target = command.address.empty() ? "/v1/bans" : "/v1/bans?address=" + command.address;
    TRY(const auto answer, fetch_object(context, {"DELETE", target}));
    if (context.console.json) {
        print_json(context.console, answer);
    } else if (!command.address.empty()) {
        context.console.line(fmt::format("{} is let in again", command.address));
    } else {
        context.console.line(counted(number_of(answer, "lifted"), "ban is", "bans are") + " lifted");
    }
    return Exit::done;
}

}  // namespace stowage::cli
