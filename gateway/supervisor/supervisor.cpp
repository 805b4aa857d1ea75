// Running everything, and ending it in order.
// Runs in: supervisor.
#include "gateway/supervisor/supervisor.hpp"

#include <signal.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/supervisor/tls_identity.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr std::chrono::seconds default_hang_limit(30);
constexpr std::chrono::seconds nfs_end_limit(10);

message::StatusEntry entry_of(const ServiceStatus& status) {
    message::StatusEntry entry;
    entry.process.assign_cut(status.name);
    entry.pid = static_cast<std::uint32_t>(status.pid);
    entry.restarts = status.restarts;
    entry.started_at = system_clock::to_time_t(status.started_at);
    entry.running = status.pid != 0;
    return entry;
}

/// Out of io.run(), and so out of main(): a child that nobody looks after any more must not go on.
void end_if_failed(std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
}

}  // namespace

Supervisor::Supervisor(Context& context, Foundation& foundation, bool with_ganesha)
    : context_(context),
      foundation_(foundation),
      with_ganesha_(with_ganesha),
      workers_(context),
      front_(context, workers_, foundation.ftps, foundation.front_uid, foundation.front_gid),
      controller_(context, workers_, front_, foundation.control_socket, foundation.runai_secret,
                  {foundation.controller_uid, foundation.controller_gid, foundation.admin_gid},
                  [this] { return report(); }),
      nfs_(context) {}

void Supervisor::run() {
    auto& io = context_.io;
    if (with_ganesha_) {
        asio::co_spawn(io, nfs_.run_bus(), end_if_failed);
        asio::co_spawn(io, nfs_.run_server(), end_if_failed);
    }
    asio::co_spawn(io, controller_.run(), end_if_failed);
    asio::co_spawn(io, front_.run(), end_if_failed);
    asio::co_spawn(io, rotate_ticket_keys(), asio::detached);
    asio::co_spawn(io, watch_certificate(), asio::detached);
    asio::co_spawn(io, tell_ready(), asio::detached);
    asio::co_spawn(io, keep_watch(), asio::detached);
    asio::co_spawn(io, wait_for_signal(), [&io](std::exception_ptr failed) {
        io.stop();
        if (failed) std::rethrow_exception(failed);
    });
    io.run();
}

bool Supervisor::all_ready() const {
    return front_.status().ready && controller_.status().ready &&
           (!with_ganesha_ || (nfs_.bus().ready && nfs_.server().ready));
}

asio::awaitable<void> Supervisor::rotate_ticket_keys() {
    for (;;) {
        co_await pause_for(std::chrono::hours(1));
        const auto& key = context_.tickets.rotate();
        // Workers first: the front's next ticket must open wherever it is shown.
        workers_.send(key);
        front_.send(key);
    }
}

asio::awaitable<void> Supervisor::watch_certificate() {
    for (;;) {
        warn_of_expiry(context_);
        co_await pause_for(std::chrono::hours(12));
    }
}

asio::awaitable<void> Supervisor::tell_ready() {
    while (!all_ready())
        co_await context_.changes.wait();
    if (context_.draining) co_return;
    log::notice("ready", {{"port", context_.config.ftps.port}, {"labs", context_.config.labs.root}});
    ::sd_notify(0, "READY=1");
}

// A controller that hangs is ended, and comes back like one that died: FTPS goes on without it. Where it
// cannot be ended (a disk that does not answer), nobody tells systemd any more that all is well.
asio::awaitable<void> Supervisor::keep_watch() {
    std::uint64_t watchdog_us = 0;
    const bool watched = ::sd_watchdog_enabled(0, &watchdog_us) > 0;
    const milliseconds limit = watched ? milliseconds(watchdog_us / 4000) : default_hang_limit;
    for (;;) {
        co_await pause_for(limit / 4);
        const auto silence = controller_.silence();
        if (watched && silence < limit) ::sd_notify(0, "WATCHDOG=1");
        if (silence < 2 * limit) continue;
        log::error("controller_hangs",
                   {{"pid", controller_.status().pid},
                    {"s", std::chrono::duration_cast<std::chrono::seconds>(silence).count()}});
        controller_.kill();
    }
}

asio::awaitable<void> Supervisor::wait_for_signal() {
    asio::signal_set signals(context_.io, SIGTERM, SIGINT, SIGHUP);
    int number = SIGHUP;
    while (number == SIGHUP) {
        number = co_await signals.async_wait(asio::use_awaitable);
        if (number == SIGHUP) reload();
    }
    log::notice("draining", {{"signal", number}, {"sessions", front_.sessions().size()}});
    // Whatever drain_timeout is, systemd waits for it, and for the NFS server's end behind it.
    const std::chrono::microseconds patience = context_.config.drain_timeout + std::chrono::seconds(30);
    ::sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", static_cast<long long>(patience.count()));
    co_await drain();
}

// Certificate, key and OCSP response; sessions go on with those that they began with.
void Supervisor::reload() {
    if (const auto read = read_tls_identity(context_); !read) {
        log::error("certificate_not_reloaded", {{"why", read.error().what}, {"remedy", read.error().remedy}});
        return;
    }
    front_.send_certificate();
    workers_.send_certificate();
    log::notice("reloaded", {});
    warn_of_expiry(context_);
}

asio::awaitable<void> Supervisor::drain() {
    context_.draining = true;
    foundation_.ftps.clear();
    front_.drain();
    workers_.drain();
    controller_.drain();
    asio::steady_timer limit(context_.io, context_.config.drain_timeout + std::chrono::seconds(5));
    limit.async_wait([this](boost::system::error_code) { context_.changes.tell(); });
    while (busy() && steady_clock::now() < limit.expiry())
        co_await context_.changes.wait();
    if (busy()) log::warning("drain_limit_reached", {{"sessions", front_.sessions().size()}});
    nfs_.stop();
    limit.expires_after(nfs_end_limit);
    limit.async_wait([this](boost::system::error_code) { context_.changes.tell(); });
    while (nfs_.running() && steady_clock::now() < limit.expiry())
        co_await context_.changes.wait();
}

bool Supervisor::busy() const {
    return front_.status().pid || controller_.status().pid || !workers_.empty();
}

std::vector<message::StatusEntry> Supervisor::report() const {
    auto front = entry_of(front_.status());
    front.sessions = static_cast<std::uint32_t>(front_.sessions().size());
    std::vector<message::StatusEntry> entries = {front, entry_of(controller_.status())};
    if (with_ganesha_) {
        entries.push_back(entry_of(nfs_.bus()));
        entries.push_back(entry_of(nfs_.server()));
    }
    for (const auto& [lab, worker] : workers_.all()) {
        message::StatusEntry entry;
        entry.process.assign_cut("worker");
        entry.lab.assign_cut(lab);
        entry.pid = static_cast<std::uint32_t>(worker->process->pid());
        entry.restarts = workers_.restarts(lab);
        entry.sessions = front_.sessions().of_lab(lab);
        entry.started_at = system_clock::to_time_t(worker->started_at);
        entry.running = 1;
        entries.push_back(entry);
    }
    return entries;
}

}  // namespace stowage::supervisor
