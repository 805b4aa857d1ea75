// Verbs that prepare a data connection; each brings a fresh session ticket, for clients that use one once.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_arguments.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::ftps {

namespace {

// How long EPSV and PASV wait for a port when the lab's share is used up.
constexpr std::chrono::seconds port_patience{5};

bool refused_by_epsv_all(Session& session) {
    if (session.epsv_all) session.reply(503, "After EPSV ALL only EPSV is allowed (RFC 2428).");
    return session.epsv_all;
}

/// By the network that the client comes from: behind NAT, the VPN and the world see different addresses of
/// ours.
boost::asio::ip::address_v4 told_address(const Session& session) {
    const auto peer = session.data.peer().to_string();
    for (const auto& [network, address] : session.worker.config.ftps.pasv_addresses)
        if (networks_overlap(network, peer))
            return address.empty() ? session.data.local().to_v4() : boost::asio::ip::make_address_v4(address);
    return session.data.local().to_v4();
}

/// True if waiting on for the reply would keep the session from what it has to do.
bool is_wanted_elsewhere(const Session& session) {
    return session.is_unwanted() || session.draining ||
           std::any_of(session.inbox.begin(), session.inbox.end(), [](const Inbox::Line& line) {
               const auto* command = std::get_if<Command>(&line);
               return command && command->verb == "QUIT";
           });
}

/// A client with many connections at once (curl --parallel) finds its lab's share used up, mostly for a
/// moment: a listener is closed when the right client has come to it.
boost::asio::awaitable<Result<std::uint16_t>> listen(Session& session) {
    session.data.reset();
    const std::function<bool()> given_up = [&session] { return is_wanted_elsewhere(session); };
    co_await session.worker.listeners.wait(session.wake, given_up, port_patience);
    const auto& ftps = session.worker.config.ftps;
    co_return session.data.listen(ftps.passive_port_min, ftps.passive_port_max, ftps.data_timeout);
}

bool refused_as_active(Session& session) {
    const bool refused = !session.worker.config.ftps.active_mode;
    if (refused) session.reply(502, "Active mode is switched off here; use passive mode (EPSV or PASV).");
    return refused;
}

void aim(Session& session, const Result<boost::asio::ip::tcp::endpoint>& target) {
    if (!target) {
        session.refuse(target.error().code == Code::unsupported ? 522 : 501, target.error());
        return;
    }
    if (const auto aimed = session.data.aim(target->address(), target->port()); !aimed) {
        session.refuse(500, aimed.error());
        return;
    }
    session.link.send_with_ticket(reply(200, "The data connection will go there."));
}

}  // namespace

Done passive(Session& session, std::string) {
    if (refused_by_epsv_all(session)) co_return;
    if (!session.data.local().is_v4()) {
        session.reply(522, "PASV is for IPv4; use EPSV (2).");
        co_return;
    }
    const auto port = co_await listen(session);
    if (!port) {
        session.refuse(425, port.error());
        co_return;
    }
    const auto bytes = told_address(session).to_bytes();
    session.link.send_with_ticket(
        reply(227, fmt::format("Entering Passive Mode ({},{},{},{},{},{}).", bytes[0], bytes[1], bytes[2],
                               bytes[3], *port >> 8, *port & 255)));
}

Done extended_passive(Session& session, std::string argument) {
    const bool v4 = session.data.local().is_v4();
    if (argument == "ALL" || argument == "all") {
        session.epsv_all = true;
        session.reply(200, "From now on EPSV only.");
        co_return;
    }
    if (!argument.empty() && argument != (v4 ? "1" : "2")) {
        session.reply(
            522, fmt::format("This connection's network protocol is another one; use ({}).", v4 ? 1 : 2));
        co_return;
    }
    const auto port = co_await listen(session);
    if (!port) {
        session.refuse(425, port.error());
        co_return;
    }
    session.link.send_with_ticket(reply(229, fmt::format("Entering Extended Passive Mode (|||{}|)", *port)));
}

Done port(Session& session, std::string argument) {
    if (!refused_by_epsv_all(session) && !refused_as_active(session))
        aim(session, parse_port_argument(argument));
    co_return;
}

Done extended_port(Session& session, std::string argument) {
    if (!refused_by_epsv_all(session) && !refused_as_active(session))
        aim(session, parse_eprt_argument(argument));
    co_return;
}

}  // namespace stowage::ftps
