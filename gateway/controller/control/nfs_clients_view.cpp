// Matching clients with the labs that they may mount.
// Runs in: controller.
#include "gateway/controller/control/nfs_clients_view.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "gateway/base/identity.hpp"
#include "gateway/base/utf8.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

bool may_mount(const Lab& lab, std::string_view address) {
    return std::any_of(lab.settings.clients.begin(), lab.settings.clients.end(), [&](const auto& text) {
        const auto client = parse_client(text);
        return client && networks_overlap(client->network, address);
    });
}

/// A client, and what further entries say of it.
struct Seen {
    message::NfsClientEntry entry;
    std::set<std::string> paths;
};

std::vector<Seen> together(const std::vector<message::NfsClientEntry>& entries) {
    std::vector<Seen> clients;
    for (const auto& entry : entries) {
        const bool is_further = !clients.empty() && entry.path.size != 0 && entry.version.view() != "3";
        if (!is_further) clients.push_back({entry, {}});
        if (entry.path.size != 0) clients.back().paths.emplace(entry.path.view());
    }
    return clients;
}

bool has(const json::array& names, const std::string& lab) {
    return std::any_of(names.begin(), names.end(), [&](const auto& name) { return name.as_string() == lab; });
}

}  // namespace

json::object nfs_clients_view(const Context& context, const std::vector<message::NfsClientEntry>& clients,
                              const std::string& lab) {
    json::array view;
    for (const auto& [entry, paths] : together(clients)) {
        json::array labs, used;
        // An NFSv3 client says what it mounts.
        const bool is_told = entry.path.size != 0;
        for (const auto& one : context.state.labs()) {
            const bool is_used = paths.contains(context.site.directory_of(one.name));
            if (is_used) used.emplace_back(one.name);
            if (is_told ? is_used : may_mount(one, entry.address.view())) labs.emplace_back(one.name);
        }
        if (!lab.empty() && !has(labs, lab) && !has(used, lab)) continue;
        json::object client{{"address", entry.address.view()},
                            {"version", entry.version.view()},
                            {"name", valid_utf8(entry.name.view())}};
        client["opens"] =
            entry.opens == message::opens_not_told ? json::value(nullptr) : json::value(entry.opens);
        client["used"] = std::move(used);
        client["seen_s"] = entry.seen_s < 0 ? json::value(nullptr) : json::value(entry.seen_s);
        client["labs"] = std::move(labs);
        view.push_back(std::move(client));
    }
    json::object body;
    body["clients"] = std::move(view);
    return body;
}

}  // namespace stowage::controller
