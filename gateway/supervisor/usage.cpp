// Turns of root_step, one per lab.
// Runs in: supervisor.
#include "gateway/supervisor/usage.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/steps.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds interval{1};

message::StepRequest request_for(const ServedLab& lab) {
    message::StepRequest request;
    request.step = message::Step::observe_quota;
    request.lab.assign_cut(lab.name);
    request.uid = lab.uid;
    request.gid = lab.gid;
    return request;
}

message::LabUsage usage_from(const message::StepReply& reply) {
    message::LabUsage usage;
    usage.code = reply.code;
    if (reply.code != 0) return usage;
    const auto& seen = reply.observation;
    usage.backend = seen.quota_backend;
    usage.limit_bytes = seen.quota_bytes;
    usage.limit_inodes = seen.quota_inodes;
    usage.used_bytes = seen.used_bytes;
    usage.used_inodes = seen.used_inodes;
    usage.disk_free_bytes = seen.disk_free_bytes;
    usage.disk_free_inodes = seen.disk_free_inodes;
    return usage;
}

}  // namespace

UsageObserver::Turn& UsageObserver::turn_of(const std::string& lab) {
    auto& turn = turns_[lab];
    if (!turn) turn = std::make_unique<Turn>(context_.io);
    return *turn;
}

asio::awaitable<message::LabUsage> UsageObserver::observe(ServedLab lab) {
    auto& turn = turn_of(lab.name);
    // A worker that was restarted asks while the step for its predecessor still hangs.
    for (;;) {
        const auto early = turn.not_before - Clock::now();
        if (turn.under_way) {
            boost::system::error_code ignored;
            co_await turn.ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        } else if (early > Clock::duration::zero()) {
            co_await pause_for(std::chrono::ceil<std::chrono::milliseconds>(early));
        } else {
            break;
        }
    }
    turn.under_way = true;
    turn.not_before = Clock::now() + interval;
    auto request = request_for(lab);
    const auto reply = co_await run_step(context_, request);
    turn.under_way = false;
    turn.ended.cancel();
    co_return usage_from(reply);
}

}  // namespace stowage::supervisor
