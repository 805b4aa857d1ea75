// Routes of who is connected, and who is kept out.
// Runs in: controller. Distrusts: target.
#include <boost/json.hpp>

#include "gateway/controller/control/nfs_clients_view.hpp"
#include "gateway/controller/control/online_views.hpp"
#include "gateway/controller/control/route_answers.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

asio::awaitable<Answered> list_sessions(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"after"}));
    const auto text = target.query("after");
    CO_TRY(const auto after, parse_session_number(text.empty() ? "0" : text));
    CO_TRY(const auto sessions, co_await context.supervisor.sessions(after));
    co_return plain(sessions_view(sessions));
}

asio::awaitable<Answered> kill_session(Context& context, Target target, std::string) {
    CO_TRY(const auto number, target.session());
    CO_CHECK(co_await context.supervisor.end_session(number));
    co_return plain({{"session", number}});
}

asio::awaitable<Answered> list_nfs_clients(Context& context, Target target, std::string) {
    CO_TRY(const auto lab, chosen_lab(context, target));
    CO_TRY(const auto clients, co_await context.supervisor.nfs_clients());
    co_return plain(nfs_clients_view(context, clients, lab));
}

asio::awaitable<Answered> list_bans(Context& context, Target, std::string) {
    CO_TRY(const auto bans, co_await context.supervisor.bans());
    co_return plain(bans_view(bans));
}

asio::awaitable<Answered> clear_bans(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"address"}));
    const auto address = target.query("address");
    std::string network;
    if (!address.empty()) {
        CO_TRY(network, parse_banned(address));
    }
    CO_TRY(const auto count, co_await context.supervisor.clear_bans(network));
    co_return plain({{"lifted", count}});
}

}  // namespace stowage::controller
