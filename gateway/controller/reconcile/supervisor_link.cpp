// Requests, and the coroutines that wait for their replies.
// Runs in: controller.
#include "gateway/controller/reconcile/supervisor_link.hpp"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>

#include "gateway/base/config.hpp"
#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

using message::Type;
using std::chrono::seconds;

struct SupervisorLink::Waiting {
    explicit Waiting(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool answered = false;
    Packets packets = {};
};

namespace {

constexpr seconds list_limit(5);
constexpr seconds touch_interval(1), touch_patience(86400);
// A worker has some seconds to say goodbye, and then the front.
constexpr seconds action_limit(15);

// A little more than the supervisor gives the process itself.
seconds limit_of(message::Step step) {
    const bool walks = step == message::Step::purge_directory || step == message::Step::set_quota;
    return walks ? seconds(86430) : seconds(210);
}

/// StepReply and ActionReply.
template <typename Reply>
Error error_in(const Reply& reply) {
    const bool known = reply.code >= static_cast<std::uint16_t>(Code::invalid) &&
                       reply.code <= static_cast<std::uint16_t>(Code::internal);
    return {known ? static_cast<Code>(reply.code) : Code::internal, reply.what.str(), reply.remedy.str()};
}

bool ends_an_answer(Type type) {
    return type == Type::step_reply || type == Type::status_end || type == Type::list_end ||
           type == Type::action_reply;
}

template <typename Entry>
std::vector<Entry> entries_in(const std::vector<ipc::Packet>& packets) {
    std::vector<Entry> entries;
    for (const auto& packet : packets)
        if (auto entry = packet.as<Entry>()) entries.push_back(*entry);
    return entries;
}

}  // namespace

SupervisorLink::SupervisorLink(asio::any_io_executor executor, ipc::Channel channel)
    : executor_(std::move(executor)), channel_(std::move(channel)) {}

asio::awaitable<Result<SupervisorLink::Packets>> SupervisorLink::wait_for(std::uint32_t id, seconds limit) {
    const auto waiting = std::make_shared<Waiting>(executor_);
    waiting_[id] = waiting;
    waiting->timer.expires_after(limit);
    boost::system::error_code ignored;
    co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    waiting_.erase(id);
    if (waiting->answered) co_return std::move(waiting->packets);
    co_return Error{Code::timeout,
                    fmt::format("the supervisor did not answer within {} seconds", limit.count()),
                    "look at its log: journalctl -u stowage"};
}

template <typename M>
asio::awaitable<Result<SupervisorLink::Packets>> SupervisorLink::ask(M question, seconds limit) {
    const auto id = ++last_id_;
    CO_CHECK(channel_.send(question, {}, id));
    co_return co_await wait_for(id, limit);
}

asio::awaitable<Result<message::LabObservation>> SupervisorLink::step(message::StepRequest request) {
    return step(request, limit_of(request.step));
}

asio::awaitable<Result<message::LabObservation>> SupervisorLink::step(message::StepRequest request,
                                                                      seconds limit) {
    CO_TRY(const auto packets, co_await ask(request, limit));
    CO_TRY(const auto reply, packets.back().as<message::StepReply>());
    if (reply.code != 0) co_return error_in(reply);
    co_return reply.observation;
}

asio::awaitable<Result<std::vector<message::NfsClientEntry>>> SupervisorLink::nfs_clients() {
    message::StepRequest request;
    request.step = message::Step::list_nfs_clients;
    CO_TRY(const auto packets, co_await ask(request, limit_of(request.step)));
    CO_TRY(const auto reply, packets.back().as<message::StepReply>());
    if (reply.code != 0) co_return error_in(reply);
    co_return entries_in<message::NfsClientEntry>(packets);
}

asio::awaitable<Result<std::vector<message::StatusEntry>>> SupervisorLink::status() {
    const message::StatusQuery query;
    CO_TRY(const auto packets, co_await ask(query, list_limit));
    co_return entries_in<message::StatusEntry>(packets);
}

asio::awaitable<Result<SupervisorLink::Sessions>> SupervisorLink::sessions(std::uint64_t after) {
    const message::SessionsQuery query{after};
    CO_TRY(const auto packets, co_await ask(query, list_limit));
    CO_TRY(const auto end, packets.back().as<message::ListEnd>());
    co_return Sessions{entries_in<message::SessionEntry>(packets), end.more != 0};
}

asio::awaitable<void> SupervisorLink::keep_in_touch() {
    // No session has a number above this one.
    const message::SessionsQuery nobody{std::numeric_limits<std::uint64_t>::max()};
    asio::steady_timer timer(executor_);
    for (;;) {
        // Patient: a supervisor that is stopped for a while must not find a heap of questions.
        (void)co_await ask(nobody, touch_patience);
        timer.expires_after(touch_interval);
        boost::system::error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

asio::awaitable<Result<std::vector<message::BanEntry>>> SupervisorLink::bans() {
    std::vector<message::BanEntry> bans;
    message::BansQuery query;
    for (bool more = true; more;) {
        CO_TRY(const auto packets, co_await ask(query, list_limit));
        CO_TRY(const auto end, packets.back().as<message::ListEnd>());
        const auto some = entries_in<message::BanEntry>(packets);
        bans.insert(bans.end(), some.begin(), some.end());
        more = end.more != 0 && !some.empty();
        if (more) query.after = some.back().network;
    }
    co_return bans;
}

Result<message::ActionReply> SupervisorLink::acted(const Packets& packets) {
    TRY(const auto reply, packets.back().as<message::ActionReply>());
    if (reply.code != 0) return error_in(reply);
    return reply;
}

asio::awaitable<Result<void>> SupervisorLink::end_session(std::uint64_t session) {
    const message::EndSession order{session};
    CO_TRY(const auto packets, co_await ask(order, action_limit));
    CO_CHECK(acted(packets));
    co_return Result<void>();
}

asio::awaitable<Result<std::uint32_t>> SupervisorLink::clear_bans(const std::string& network) {
    message::ClearBans order;
    (void)order.network.assign(network);
    CO_TRY(const auto packets, co_await ask(order, action_limit));
    CO_TRY(const auto reply, acted(packets));
    co_return reply.count;
}

template <typename M>
void SupervisorLink::tell(const M& m) {
    // A full queue or a closed channel: run() ends soon, and the next controller tells everything anew.
    if (auto sent = channel_.send(m); !sent)
        log::warning("supervisor_not_told", {{"why", sent.error().text()}});
}

Result<void> SupervisorLink::put_lab(const ServedForm& served) {
    std::vector<Fd> beside;
    if (served.lab.client_certificates) {
        TRY(auto cas, seal("client-cas", served.client_cas));
        beside.push_back(std::move(cas));
    }
    CHECK(channel_.send(served.lab, std::move(beside)));
    served_[served.lab.lab.str()] = served;
    return {};
}

void SupervisorLink::remove_lab(const std::string& lab) {
    message::RemoveLab m;
    (void)m.lab.assign(lab);
    served_.erase(lab);
    tell(m);
}

void SupervisorLink::put_account(const std::string& user, const std::string& lab) {
    message::PutAccount m;
    (void)m.user.assign(user);
    (void)m.lab.assign(lab);
    tell(m);
}

void SupervisorLink::remove_account(const std::string& user) {
    message::RemoveAccount m;
    (void)m.user.assign(user);
    tell(m);
}

void SupervisorLink::say(const message::AccountsComplete& m) {
    tell(m);
}
void SupervisorLink::say(const message::Ready& m) {
    tell(m);
}

void SupervisorLink::receive(ipc::Packet packet) {
    const auto found = waiting_.find(packet.header.id);
    if (found == waiting_.end()) return;  // its wait ended before
    auto& waiting = *found->second;
    const bool is_last = ends_an_answer(packet.header.type);
    waiting.packets.push_back(std::move(packet));
    if (!is_last) return;
    waiting.answered = true;
    waiting.timer.cancel();
}

asio::awaitable<void> SupervisorLink::run(std::function<void(seconds)> on_drain) {
    for (;;) {
        auto packet = co_await channel_.receive();
        if (!packet) co_return;
        if (packet->header.type != Type::drain) {
            receive(std::move(*packet));
        } else if (auto drain = packet->as<message::Drain>()) {
            on_drain(seconds(drain->limit_seconds));
        }
    }
}

message::StepRequest request_for(const Lab& lab, message::Step step) {
    message::StepRequest request;
    request.step = step;
    (void)request.lab.assign(lab.name);
    request.uid = request.gid = lab.uid;
    const bool observes = step == message::Step::observe_lab;
    if (observes || step == message::Step::set_quota) {
        request.quota_bytes = lab.settings.quota_bytes;
        request.quota_inodes = lab.settings.quota_inodes;
    }
    if (observes || step == message::Step::set_quota || step == message::Step::purge_directory)
        request.project_id = lab.project_id;
    if (observes || step == message::Step::publish_export || step == message::Step::withdraw_export) {
        request.export_id = lab.export_id;
        request.fsid = lab.fsid;
        // Its length was checked when the networks were accepted.
        (void)request.clients.assign(fmt::format("{}", fmt::join(lab.settings.clients, ",")));
    }
    return request;
}

}  // namespace stowage::controller
