// Matching clients with the labs that they may mount.
// Runs in: controller.
#include "gateway/controller/control/nfs_clients_view.hpp"

#include <algorithm>
#include <boost/json.hpp>

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

json::array labs_of(const Context& context, const message::NfsClientEntry& entry) {
    json::array names;
    for (const auto& lab : context.state.labs()) {
        // NFSv3 clients say what they mount.
        const bool is_told = entry.path.size != 0;
        if (is_told ? entry.path.view() == context.site.directory_of(lab.name)
                    : may_mount(lab, entry.address.view()))
            names.emplace_back(lab.name);
    }
    return names;
}

}  // namespace

json::object nfs_clients_view(const Context& context, const std::vector<message::NfsClientEntry>& clients,
                              const std::string& lab) {
    json::array view;
    for (const auto& entry : clients) {
        auto labs = labs_of(context, entry);
        const bool is_wanted = lab.empty() || std::any_of(labs.begin(), labs.end(), [&](const auto& name) {
                                   return name.as_string() == lab;
                               });
        if (!is_wanted) continue;
        json::object client{{"address", entry.address.view()},
                            {"version", entry.version.view()},
                            {"name", valid_utf8(entry.name.view())},
                            {"opens", entry.opens}};
        client["seen_s"] = entry.seen_s < 0 ? json::value(nullptr) : json::value(entry.seen_s);
        client["labs"] = std::move(labs);
        view.push_back(std::move(client));
    }
    json::object body;
    body["clients"] = std::move(view);
    return body;
}

}  // namespace stowage::controller
