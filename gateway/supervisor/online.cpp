// What the controller asks about those who are on-line or kept out: sessions and bans.
// Runs in: supervisor. Distrusts: the controller's fields; workers, which may not answer.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/supervisor/controller_service.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

// As many as 64 connections of the control socket can have, and some that time out.
constexpr std::size_t max_questions_under_way = 256;
constexpr std::size_t sessions_per_answer = 100, bans_per_answer = 500;
// A worker answers within its event loop; one that does not hangs.
constexpr auto answer_limit = 1s;
constexpr auto goodbye_limit = 3s, cut_limit = 5s;

std::int64_t epoch_seconds(Ban::Clock::time_point time) {
    const auto from_now = std::chrono::duration_cast<system_clock::duration>(time - Ban::Clock::now());
    return system_clock::to_time_t(system_clock::now() + from_now);
}

message::SessionEntry entry_of(std::uint64_t number, const LoggedIn& session,
                               const Workers::Answers& answers) {
    message::SessionEntry entry;
    entry.session = number;
    entry.user.assign_cut(session.user);
    entry.lab.assign_cut(session.lab);
    entry.peer.assign_cut(session.peer);
    entry.since = system_clock::to_time_t(session.since);
    const auto answer = answers.find(number);
    entry.answered = answer != answers.end();
    if (entry.answered) entry.doing = answer->second;
    return entry;
}

message::ActionReply refused(Code code, std::string_view what, std::string_view remedy) {
    message::ActionReply reply;
    reply.code = static_cast<std::uint16_t>(code);
    reply.what.assign_cut(what);
    reply.remedy.assign_cut(remedy);
    return reply;
}

}  // namespace

Result<void> ControllerService::count_question() {
    if (questions_under_way_ >= max_questions_under_way)
        return Error{Code::protocol, "more questions at once than it may have"};
    ++questions_under_way_;
    return {};
}

Result<void> ControllerService::begin_sessions(const ipc::Packet& packet) {
    TRY(const auto query, packet.as<message::SessionsQuery>());
    CHECK(count_question());
    asio::co_spawn(context_.io, report_sessions(query.after, packet.header.id, run_), asio::detached);
    return {};
}

asio::awaitable<void> ControllerService::report_sessions(std::uint64_t after, std::uint32_t id,
                                                         std::uint64_t run) {
    auto page = front_.sessions().page(after, sessions_per_answer);
    std::vector<Workers::Asked> asked;
    for (const auto& [number, session] : page)
        asked.push_back({number, session.lab});
    const auto answers = co_await workers_.what_they_do(std::move(asked), answer_limit);
    --questions_under_way_;
    if (run != run_ || !channel_) co_return;
    for (const auto& [number, session] : page)
        (void)channel_->send(entry_of(number, session, answers), {}, id);
    message::ListEnd end;
    end.more = page.size() == sessions_per_answer;
    (void)channel_->send(end, {}, id);
}

Result<void> ControllerService::begin_end_session(const ipc::Packet& packet) {
    TRY(const auto order, packet.as<message::EndSession>());
    CHECK(count_question());
    asio::co_spawn(context_.io, end_session(order.session, packet.header.id, run_), asio::detached);
    return {};
}

// The worker says goodbye to the client; if it hangs, the front cuts the connection.
asio::awaitable<void> ControllerService::end_session(std::uint64_t session, std::uint32_t id,
                                                     std::uint64_t run) {
    message::ActionReply reply;
    if (const auto* found = front_.sessions().find(session)) {
        log::notice(
            "session_killed",
            {{"session", session}, {"lab", found->lab}, {"user", found->user}, {"peer", found->peer}});
        workers_.end_session(found->lab, session);
        bool ended = co_await front_.wait_for_end_of(session, goodbye_limit);
        if (!ended) {
            front_.cut(session);
            ended = co_await front_.wait_for_end_of(session, cut_limit);
        }
        reply.count = 1;
        if (!ended)
            reply = refused(Code::timeout, fmt::format("session {} does not end", session),
                            "look at it again with `stowage sessions`");
    } else {
        reply = refused(Code::not_found, fmt::format("there is no session {}", session),
                        "see `stowage sessions`");
    }
    --questions_under_way_;
    if (run == run_ && channel_) (void)channel_->send(reply, {}, id);
}

Result<void> ControllerService::report_bans(const ipc::Packet& packet) {
    TRY(const auto query, packet.as<message::BansQuery>());
    const auto id = packet.header.id;
    std::size_t told = 0;
    for (const auto& ban : front_.bans()) {
        if (ban.network <= query.after.view()) continue;
        if (++told > bans_per_answer) break;
        message::BanEntry entry;
        entry.network.assign_cut(ban.network);
        entry.since = epoch_seconds(ban.since);
        entry.until = epoch_seconds(ban.until);
        entry.failures = ban.failures;
        entry.user.assign_cut(ban.user);
        CHECK(channel_->send(entry, {}, id));
    }
    return channel_->send(message::ListEnd{told > bans_per_answer}, {}, id);
}

Result<void> ControllerService::clear_bans(const ipc::Packet& packet) {
    TRY(const auto order, packet.as<message::ClearBans>());
    std::string network;
    if (order.network.size != 0) {
        const auto text = order.network.view();
        network = client_network(text.substr(0, text.find('/')));
        if (network.empty()) return Error{Code::protocol, "a ban of what is no address"};
    }
    message::ActionReply reply;
    reply.count = static_cast<std::uint32_t>(front_.lift_bans(network));
    if (reply.count > 0) log::notice("bans_lifted", {{"network", network}, {"count", reply.count}});
    if (!network.empty() && reply.count == 0)
        reply = refused(Code::not_found, network + " is not banned", "see `stowage bans list`");
    return channel_->send(reply, {}, packet.header.id);
}

}  // namespace stowage::supervisor
