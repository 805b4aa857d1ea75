// The restart loop of long-lived children.
// Runs in: supervisor. Distrusts: every child but itself.
#include "gateway/supervisor/service.hpp"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "gateway/base/log.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using std::chrono::steady_clock;

void Context::hold_executables() {
    for (const auto* name : {"stowage-login", "stowage-root-step", "stowage-worker", "stowage-front",
                             "stowage-controller", "stowage-nfs-server"})
        held_executables[name] = Fd(::open((libexec_dir + "/" + name).c_str(), O_PATH | O_CLOEXEC));
}

Executable Context::executable(const std::string& name) const {
    const auto held = held_executables.find(name);
    return {libexec_dir + "/" + name, held == held_executables.end() ? -1 : held->second.get()};
}

Result<std::vector<Fd>> duplicates(std::initializer_list<const Fd*> fds) {
    std::vector<Fd> copies;
    for (const auto* fd : fds) {
        copies.emplace_back(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
        if (!copies.back()) return system_error(errno, "duplicate a descriptor");
    }
    return copies;
}

std::chrono::milliseconds Backoff::after_running(steady_clock::duration lasted) {
    if (lasted > std::chrono::minutes(1)) next_ = std::chrono::milliseconds(100);
    const auto now = next_;
    next_ = std::min(next_ * 2, std::chrono::milliseconds(30'000));
    return now;
}

asio::awaitable<void> pause_for(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<Result<ipc::Packet>> receive_admitted(ipc::Channel& channel, Peer peer, bool ready) {
    auto packet = co_await channel.receive();
    if (packet && !may_send(peer, packet->header.type, ready))
        co_return Error{Code::protocol, "a message of type " +
                                            std::to_string(static_cast<int>(packet->header.type)) +
                                            " that it may not send " + (ready ? "at all" : "before Ready")};
    if (packet && (!packet->fds.empty() || packet->fds_lost) &&
        !may_bring_descriptors(peer, packet->header.type))
        co_return Error{Code::protocol, "a descriptor that nobody asked for"};
    co_return packet;
}

namespace {

constexpr int exit_config = 78;  // EX_CONFIG

asio::awaitable<void> run_once(Context& context, ServiceStatus& status, Process& process, Serve& serve) {
    status.pid = process.pid();
    status.started_at = std::chrono::system_clock::now();
    const auto why = co_await serve(process);
    status.was_ready = status.was_ready || status.ready;
    status.ready = false;
    process.channel().close();
    if (why.code == Code::protocol) {
        log::error("child_misbehaved", {{"child", status.name}, {"pid", status.pid}, {"what", why.what}});
        process.signal(SIGKILL);
    }
    const auto ending = co_await process.wait_or_kill(std::chrono::seconds(5));
    log::write(ending.exit_code == 0 ? log::Level::info : log::Level::warning, "child_ended",
               {{"child", status.name}, {"pid", status.pid}, {"how", ending.text()}});
    status.pid = 0;
    context.changes.tell();
    // What it cannot work with at the first start, it cannot work with at the hundredth.
    if (ending.exit_code == exit_config && !status.was_ready)
        throw Fatal({Code::config, "the " + status.name + " cannot work with this configuration or state",
                     "its own words are in the log right above"});
}

}  // namespace

asio::awaitable<void> keep_running(Context& context, ServiceStatus& status, ProcessSpec spec, Serve serve) {
    Backoff backoff;
    while (!context.draining) {
        const auto started = steady_clock::now();
        auto process = Process::start(co_await asio::this_coro::executor, spec);
        if (process) {
            co_await run_once(context, status, **process, serve);
        } else {
            log::error("child_not_started", {{"child", status.name}, {"what", process.error().text()}});
        }
        if (context.draining) break;
        ++status.restarts;
        co_await pause_for(backoff.after_running(steady_clock::now() - started));
    }
}

}  // namespace stowage::supervisor
