// A line of looks, and the processes that work through it.
// Runs in: supervisor.
#include "gateway/supervisor/looks.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/supervisor/steps.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds ending_limit{5};

/// The end of the channel tells it to end.
asio::awaitable<void> dismiss(std::unique_ptr<Process> process) {
    process->channel().close();
    (void)co_await process->wait_or_kill(ending_limit);
}

}  // namespace

struct Looks::Waiting {
    explicit Waiting(asio::io_context& io) : called(io) {}
    asio::steady_timer called;
    Looker looker = {};
};

asio::awaitable<Result<Looks::Looker>> Looks::take() {
    if (at_work_ > 0) {
        const auto self = std::make_shared<Waiting>(context_.io);
        line_.push_back(self);
        while (!self->looker.process && at_work_ > 0 && Clock::now() < last_progress_ + patience) {
            self->called.expires_at(last_progress_ + patience);
            boost::system::error_code ignored;
            co_await self->called.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        if (self->looker.process) co_return std::move(self->looker);
        std::erase(line_, self);
    }
    last_progress_ = Clock::now();  // also when it cannot be started: the next in line tries again later
    CO_TRY(auto process, start_root_step(context_));
    ++at_work_;
    co_return Looker{std::move(process), true};
}

void Looks::give_back(Looker looker) {
    last_progress_ = Clock::now();
    if (line_.empty()) {
        --at_work_;
        asio::co_spawn(context_.io, dismiss(std::move(looker.process)), asio::detached);
        return;
    }
    const auto next = std::move(line_.front());
    line_.pop_front();
    next->looker = std::move(looker);
    next->called.cancel();
}

/// Whoever is first in line looks whether anybody is left to wait for.
void Looks::note_gone() {
    --at_work_;
    if (!line_.empty()) line_.front()->called.cancel();
}

asio::awaitable<Result<message::StepReply>> Looks::ask(const message::StepRequest& request) {
    CO_TRY(auto looker, co_await take());
    const OnEntry nothing_else;
    auto reply = co_await ask_root_step(context_, *looker.process, request, looker.is_fresh, nothing_else);
    if (reply) {
        looker.is_fresh = false;
        give_back(std::move(looker));
        co_return reply;
    }
    note_gone();
    const auto ending = co_await looker.process->wait_or_kill(ending_limit);
    if (reply.error().code == Code::cancelled) co_return ended_silently(ending);
    co_return reply;
}

asio::awaitable<message::StepReply> Looks::look(message::StepRequest request) {
    const auto started = Clock::now();
    auto answered = co_await ask(request);
    auto reply = answered ? *answered : refusal(answered.error());
    log_step(request, reply, started);
    co_return reply;
}

}  // namespace stowage::supervisor
