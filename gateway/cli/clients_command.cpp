// clients.
// Runs in: CLI. Distrusts: what NFS clients call themselves: the table escapes it.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

std::string last_seen(const json::object& client) {
    const auto* seconds = client.if_contains("seen_s");
    if (seconds == nullptr || seconds->is_null()) return "not told";
    return fmt::format("{} s ago", number_of(client, "seen_s"));
}

std::string names_in(const json::object& client, const char* field) {
    std::string text;
    for (const auto& lab : list_of(client, field))
        if (const auto* name = lab.if_string()) text += (text.empty() ? "" : ", ") + std::string(*name);
    return text.empty() ? "-" : text;
}

std::string opens_of(const json::object& client) {
    const auto* opens = client.if_contains("opens");
    return opens == nullptr || opens->is_null() ? "not told" : text_of(client, "opens");
}

}  // namespace

Result<Exit> run(const NfsClients& command, Context& context) {
    const auto target = command.lab.empty() ? "/v1/clients" : "/v1/clients?lab=" + command.lab;
    TRY(const auto answer, fetch_object(context, {"GET", target}));
    const auto& console = context.console;
    const auto& clients = list_of(answer, "clients");
    if (console.json) {
        print_json(console, answer);
    } else if (clients.empty()) {
        console.line("Nobody is connected to the NFS server.");
    } else {
        Table table({"ADDRESS", "NFS", "LAST SEEN", "OPEN", "USED", "MAY MOUNT", "NAME"});
        for (const auto& value : clients)
            if (const auto* client = value.if_object())
                table.add({{text_of(*client, "address")},
                           {text_of(*client, "version")},
                           {last_seen(*client)},
                           {opens_of(*client), Colour::plain, true},
                           {names_in(*client, "used")},
                           {names_in(*client, "labs")},
                           {text_of(*client, "name")}});
        table.print(console);
    }
    return Exit::done;
}

}  // namespace stowage::cli
