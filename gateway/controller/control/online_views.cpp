// Entries to JSON.
// Runs in: controller.
#include "gateway/controller/control/online_views.hpp"

#include <boost/json.hpp>

#include "gateway/base/utf8.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

/// What the session is doing; null where the lab's worker did not say.
json::value doing_view(const message::SessionEntry& entry) {
    if (!entry.answered) return nullptr;
    const auto& doing = entry.doing;
    json::object view{{"verb", valid_utf8(doing.verb.view())},
                      {"path", valid_utf8(doing.path.view())},
                      {"bytes", doing.bytes},
                      {"ms", doing.ms},
                      {"idle_s", doing.idle_s}};
    view["bytes_per_s"] = doing.ms > 0
                              ? static_cast<std::uint64_t>(1000.0 * static_cast<double>(doing.bytes) /
                                                           static_cast<double>(doing.ms))
                              : 0;
    return view;
}

}  // namespace

json::object sessions_view(const SupervisorLink::Sessions& sessions) {
    json::array view;
    for (const auto& entry : sessions.entries)
        view.push_back(json::object{{"id", entry.session},
                                    {"user", valid_utf8(entry.user.view())},
                                    {"lab", entry.lab.view()},
                                    {"peer", entry.peer.view()},
                                    {"since", entry.since},
                                    {"client", valid_utf8(entry.doing.client.view())},
                                    {"doing", doing_view(entry)}});
    json::object body;
    body["sessions"] = std::move(view);
    body["more"] = sessions.more;
    return body;
}

json::object bans_view(const std::vector<message::BanEntry>& bans) {
    json::array view;
    for (const auto& ban : bans)
        view.push_back(json::object{{"address", ban.network.view()},
                                    {"since", ban.since},
                                    {"until", ban.until},
                                    {"failures", ban.failures},
                                    {"user", valid_utf8(ban.user.view())}});
    json::object body;
    body["bans"] = std::move(view);
    return body;
}

}  // namespace stowage::controller
