// Runs of root_step.
// Runs in: supervisor.
#include "gateway/supervisor/steps.hpp"

#include <signal.h>

#include <boost/asio/this_coro.hpp>

#include "gateway/base/log.hpp"
#include "gateway/base/step_rules.hpp"
#include "gateway/supervisor/service.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

std::chrono::seconds limit_of(message::Step step) {
    if (step == message::Step::observe_quota) return std::chrono::seconds(20);
    // Deleting, or putting what is there into a project, reads the whole tree.
    const bool walks = step == message::Step::purge_directory || step == message::Step::set_quota;
    return walks ? std::chrono::seconds(86400) : std::chrono::seconds(180);
}

/// The reply, after the entries in front of it.
asio::awaitable<Result<message::StepReply>> receive_reply(ipc::Channel& channel, const OnEntry& on_entry) {
    for (std::size_t entries = 0;; ++entries) {
        CO_TRY(const auto packet, co_await channel.receive());
        if (packet.header.type != message::Type::nfs_client_entry) co_return packet.as<message::StepReply>();
        CO_TRY(const auto entry, packet.as<message::NfsClientEntry>());
        if (!on_entry || entries == message::most_nfs_clients)
            co_return Error{Code::protocol, "stowage-root-step told more than was asked for"};
        on_entry(entry);
    }
}

/// One process for one step.
asio::awaitable<Result<message::StepReply>> do_alone(const Context& context, Process& process,
                                                     const message::StepRequest& request,
                                                     const OnEntry& on_entry) {
    auto reply = co_await ask_root_step(context, process, request, true, on_entry);
    const auto ending = co_await process.wait_or_kill(std::chrono::seconds(5));
    if (!reply && reply.error().code == Code::cancelled) co_return ended_silently(ending);
    co_return reply;
}

/// It may be stopped meanwhile.
asio::awaitable<Result<message::StepReply>> set_quota(Context& context, Process& process,
                                                      const message::StepRequest& request) {
    const auto place =
        context.quota_steps.insert(context.quota_steps.end(), QuotaStep{request.lab.str(), process});
    const OnEntry nothing_else;
    auto reply = co_await do_alone(context, process, request, nothing_else);
    const bool stopped = place->stopped;
    context.quota_steps.erase(place);
    if (!reply && stopped)
        co_return Error{Code::cancelled, "ended for a newer request, which goes on with it",
                        "see `stowage status`"};
    co_return reply;
}

asio::awaitable<Result<message::StepReply>> do_step(Context& context, const message::StepRequest& request,
                                                    const OnEntry& on_entry) {
    CO_TRY(auto process, start_root_step(context));
    if (request.step == message::Step::set_quota) co_return co_await set_quota(context, *process, request);
    co_return co_await do_alone(context, *process, request, on_entry);
}

}  // namespace

message::StepReply refusal(const Error& error) {
    message::StepReply reply;
    reply.code = static_cast<std::uint16_t>(error.code);
    reply.what.assign_cut(error.what);
    reply.remedy.assign_cut(error.remedy);
    return reply;
}

Error ended_silently(const Ending& ending) {
    return {Code::unavailable, "stowage-root-step ended without an answer: " + ending.text()};
}

Result<std::unique_ptr<Process>> start_root_step(const Context& context) {
    const ProcessSpec spec{"root_step", context.executable("stowage-root-step")};
    return Process::start(context.io.get_executor(), spec);
}

asio::awaitable<Result<message::StepReply>> ask_root_step(const Context& context, Process& process,
                                                          const message::StepRequest& request, bool is_first,
                                                          const OnEntry& on_entry) {
    std::vector<Fd> fds;
    if (is_first) {
        CO_TRY(fds, duplicates({&context.sealed_config}));
    }
    CO_CHECK(process.channel().send(request, std::move(fds)));
    asio::steady_timer limit(co_await asio::this_coro::executor);
    process.kill_after(limit, limit_of(request.step));
    auto reply = co_await receive_reply(process.channel(), on_entry);
    const bool late = limit.expiry() <= std::chrono::steady_clock::now();
    if (!reply && reply.error().code != Code::protocol && late)
        co_return Error{Code::timeout, "stowage-root-step did not end in time"};
    co_return reply;
}

void log_step(const message::StepRequest& request, const message::StepReply& reply,
              std::chrono::steady_clock::time_point started) {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
    const bool looks = request.step == message::Step::observe_lab ||
                       request.step == message::Step::observe_quota ||
                       request.step == message::Step::list_nfs_clients;
    const bool routine = reply.code == 0 && looks;
    log::write(reply.code ? log::Level::warning
               : routine  ? log::Level::debug
                          : log::Level::info,
               "root_step",
               {{"step", name_of(request.step)},
                {"lab", request.lab.view()},
                {"user", request.user.view()},
                {"result", reply.code ? to_string(static_cast<Code>(reply.code)) : std::string_view("ok")},
                {"what", reply.what.view()},
                {"ms", ms.count()}});
}

void stop_set_quota(Context& context, std::string_view lab) {
    for (auto& step : context.quota_steps) {
        if (step.lab != lab) continue;
        step.stopped = true;
        step.process.signal(SIGKILL);
    }
}

asio::awaitable<message::StepReply> run_step(Context& context, message::StepRequest request,
                                             OnEntry on_entry) {
    const auto started = std::chrono::steady_clock::now();
    auto answered = co_await do_step(context, request, on_entry);
    auto reply = answered ? *answered : refusal(answered.error());
    log_step(request, reply, started);
    co_return reply;
}

}  // namespace stowage::supervisor
