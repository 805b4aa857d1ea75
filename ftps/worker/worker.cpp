// The supervisor's packets, and the clocks of the lab.
// Runs in: worker.
#include "ftps/worker/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ftps/worker/activity.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr std::chrono::hours expiry_interval{1};
// For the goodbyes of sessions that were told to end.
constexpr std::chrono::seconds goodbye{2};

void start_session(Worker& worker, ipc::Packet packet) {
    const auto start = packet.as<message::SessionStart>();
    if (start && packet.fds_lost) {
        // Its front sees the other end close and says goodbye to the client; all others go on.
        ++worker.sessions_started;
        log::error("session_refused", {{"session", start->session}, {"why", "too many files are open"}});
        return;
    }
    if (!start || packet.fds.size() != 1)
        throw Fatal({Code::protocol, "SessionStart must come whole and with one descriptor"});
    ++worker.sessions_started;
    asio::co_spawn(worker.context, serve(worker, *start, std::move(packet.fds.front())), asio::detached);
}

void add_key(Worker& worker, ipc::Packet& packet) {
    auto key = or_throw(packet.as<message::TicketKey>());
    worker.tls.add_key(key);
    explicit_bzero(&key, sizeof key);
}

asio::awaitable<void> drain(Worker& worker, std::chrono::seconds limit) {
    worker.draining = true;
    for (auto& [number, session] : worker.sessions) {
        session->draining = true;
        session->wake.notify();
    }
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!worker.sessions.empty() && std::chrono::steady_clock::now() < end)
        co_await worker.sessions_changed.wait(end - std::chrono::steady_clock::now());
    for (auto& [number, session] : worker.sessions)
        session->abort_transfer();
    const auto last = std::chrono::steady_clock::now() + goodbye;
    while (!worker.sessions.empty() && std::chrono::steady_clock::now() < last)
        co_await worker.sessions_changed.wait(last - std::chrono::steady_clock::now());
    log::notice("drained", {{"sessions_left", worker.sessions.size()}});
    worker.context.stop();
}

void use_certificate(Worker& worker, const ipc::Packet& packet) {
    or_throw(packet.as<message::Certificate>());
    if (packet.fds_lost) return log::error("certificate_not_taken", {{"why", "too many files are open"}});
    if (packet.fds.size() != 2) throw Fatal({Code::protocol, "a certificate comes with its key"});
    auto key = or_throw(read_sealed(packet.fds[1]));
    worker.tls.use_identity({or_throw(read_sealed(packet.fds[0])), Secret(key)});
    explicit_bzero(key.data(), key.size());
}

void take_settings(Worker& worker, const ipc::Packet& packet) {
    worker.settings = or_throw(packet.as<message::LabSettings>());
    worker.usage.limits_changed(worker.settings);
    if (!worker.settings.resumption_optional) worker.tls.forget_identity();
}

void handle(Worker& worker, ipc::Packet packet) {
    switch (packet.header.type) {
        case message::Type::session_start:
            return start_session(worker, std::move(packet));
        case message::Type::ticket_key:
            return add_key(worker, packet);
        case message::Type::lab_settings:
            return take_settings(worker, packet);
        case message::Type::certificate:
            return use_certificate(worker, packet);
        case message::Type::activity_query:
            return tell_activity(worker, packet);
        case message::Type::end_session:
            return end_by_order(worker, packet);
        case message::Type::lab_usage:
            return worker.usage.answered(or_throw(packet.as<message::LabUsage>()));
        case message::Type::drain: {
            const auto order = or_throw(packet.as<message::Drain>());
            if (worker.draining) return;
            asio::co_spawn(worker.context, drain(worker, std::chrono::seconds(order.limit_seconds)),
                           asio::detached);
            return;
        }
        default:
            throw Fatal({Code::protocol, "the supervisor sent a packet that is not for a worker"});
    }
}

}  // namespace

Worker::Worker(asio::io_context& context_, Config configuration, std::string lab_name, Root root,
               Fd supervisor_socket, const HashAttribute::Key& hash_key)
    : context(context_),
      config(std::move(configuration)),
      lab(std::move(lab_name)),
      files(std::move(root.directory), config.ftps.alias),
      partials(files, root.names_go_with_files),
      view(files, partials),
      hashes(hash_key),
      listeners(context_.get_executor(),
                static_cast<unsigned>(config.ftps.passive_port_max - config.ftps.passive_port_min) + 1,
                config.ftps.max_transfers_per_lab),
      supervisor(context_.get_executor(), std::move(supervisor_socket)),
      usage(context_.get_executor(), pool, files, supervisor),
      sessions_changed(context_.get_executor()) {}

unsigned Worker::sessions_of(const std::string& user) const {
    unsigned count = 0;
    for (const auto& [number, session] : sessions)
        count += session->user == user;
    return count;
}

asio::awaitable<void> serve_supervisor(Worker& worker) {
    for (;;) {
        auto packet = co_await worker.supervisor.receive();
        if (!packet && packet.error().code == Code::cancelled) break;
        handle(worker, or_throw(std::move(packet)));
    }
    worker.context.stop();
}

asio::awaitable<void> watch_idleness(Worker& worker) {
    Event never(worker.context.get_executor());
    const auto limit = worker.config.ftps.worker_idle_timeout;
    for (auto seen = worker.sessions_started;;) {
        (void)co_await never.wait(limit);
        const bool idle = worker.sessions.empty() && worker.sessions_started == seen;
        seen = worker.sessions_started;
        if (idle && !worker.supervisor.send(message::Idle{seen})) co_return;
    }
}

asio::awaitable<void> expire_partials(Worker& worker) {
    Event never(worker.context.get_executor());
    for (;;) {
        const auto expired = co_await on_pool(worker.pool, [&worker]() -> Result<std::size_t> {
            return worker.partials.expire(worker.config.ftps.partial_expiry);
        });
        if (expired && *expired > 0) log::info("partials_expired", {{"count", *expired}});
        auto sweep = [&worker]() -> Result<std::size_t> {
            return UnpackStage::remove_leftovers(worker.files, worker.partials);
        };
        const auto removed = co_await on_pool(worker.pool, std::move(sweep));
        if (removed && *removed > 0) log::info("unfinished_unpackings_removed", {{"count", *removed}});
        (void)co_await never.wait(expiry_interval);
    }
}

}  // namespace stowage::ftps
