// Requests, and the coroutines that wait for their replies.
// Runs in: controller.
#include "gateway/controller/reconcile/supervisor_link.hpp"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

using message::Type;
using std::chrono::seconds;

struct SupervisorLink::Waiting {
    explicit Waiting(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool answered = false;
    message::StepReply reply = {};
    std::vector<message::StatusEntry> entries = {};
};

namespace {

constexpr seconds status_limit(5);

// A little more than the supervisor gives the process itself.
seconds limit_of(message::Step step) {
    return step == message::Step::purge_directory ? seconds(86430) : seconds(210);
}

Error error_in(const message::StepReply& reply) {
    const bool known = reply.code >= static_cast<std::uint16_t>(Code::invalid) &&
                       reply.code <= static_cast<std::uint16_t>(Code::internal);
    return {known ? static_cast<Code>(reply.code) : Code::internal, reply.what.str(), reply.remedy.str()};
}

}  // namespace

SupervisorLink::SupervisorLink(asio::any_io_executor executor, ipc::Channel channel)
    : executor_(std::move(executor)), channel_(std::move(channel)) {}

asio::awaitable<bool> SupervisorLink::wait(std::shared_ptr<Waiting> waiting, std::uint32_t id,
                                           seconds limit) {
    waiting_[id] = waiting;
    waiting->timer.expires_after(limit);
    boost::system::error_code ignored;
    co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    waiting_.erase(id);
    co_return waiting->answered;
}

asio::awaitable<Result<message::LabObservation>> SupervisorLink::step(message::StepRequest request) {
    const auto id = ++last_id_;
    CO_CHECK(channel_.send(request, {}, id));
    const auto waiting = std::make_shared<Waiting>(executor_);
    const auto limit = limit_of(request.step);
    const bool answered = co_await wait(waiting, id, limit);
    if (!answered)
        co_return Error{Code::timeout,
                        fmt::format("the supervisor did not answer within {} seconds", limit.count()),
                        "look at its log: journalctl -u stowage"};
    if (waiting->reply.code != 0) co_return error_in(waiting->reply);
    co_return waiting->reply.observation;
}

asio::awaitable<Result<std::vector<message::StatusEntry>>> SupervisorLink::status() {
    const auto id = ++last_id_;
    const message::StatusQuery query;
    CO_CHECK(channel_.send(query, {}, id));
    const auto waiting = std::make_shared<Waiting>(executor_);
    const bool answered = co_await wait(waiting, id, status_limit);
    if (!answered) co_return Error{Code::timeout, "the supervisor did not tell its processes in time"};
    co_return std::move(waiting->entries);
}

template <typename M>
void SupervisorLink::tell(const M& m) {
    // A full queue or a closed channel: run() ends soon, and the next controller tells everything anew.
    if (auto sent = channel_.send(m); !sent)
        log::warning("supervisor_not_told", {{"why", sent.error().text()}});
}

void SupervisorLink::put_lab(const message::PutLab& lab) {
    served_[lab.lab.str()] = lab;
    tell(lab);
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

void SupervisorLink::receive(const ipc::Packet& packet) {
    const auto found = waiting_.find(packet.header.id);
    if (found == waiting_.end()) return;  // its wait ended before
    auto& waiting = *found->second;
    if (packet.header.type == Type::status_entry) {
        if (auto entry = packet.as<message::StatusEntry>()) waiting.entries.push_back(*entry);
        return;
    }
    if (packet.header.type == Type::step_reply) {
        auto reply = packet.as<message::StepReply>();
        if (!reply) return;
        waiting.reply = *reply;
    } else if (packet.header.type != Type::status_end) {
        return;
    }
    waiting.answered = true;
    waiting.timer.cancel();
}

asio::awaitable<void> SupervisorLink::run(std::function<void(seconds)> on_drain) {
    for (;;) {
        auto packet = co_await channel_.receive();
        if (!packet) co_return;
        if (packet->header.type != Type::drain) {
            receive(*packet);
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
    if (observes || step == message::Step::publish_export || step == message::Step::withdraw_export) {
        request.export_id = lab.export_id;
        request.fsid = lab.fsid;
        // Its length was checked when the networks were accepted.
        (void)request.clients.assign(fmt::format("{}", fmt::join(lab.settings.clients, ",")));
    }
    return request;
}

}  // namespace stowage::controller
