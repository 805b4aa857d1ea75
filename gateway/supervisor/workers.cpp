// Starting, feeding and ending workers.
// Runs in: supervisor. Distrusts: workers.
#include "gateway/supervisor/workers.hpp"

#include <signal.h>
#include <string.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/supervisor/hash_keys.hpp"
#include "gateway/supervisor/tls_identity.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds start_limit{10};
// Each waiting session holds a descriptor of ours: a worker that hangs must not use them up.
constexpr std::size_t most_queued = 500;

// What it may need: eight archives, each with zstd's largest window (128 MiB), the lists of zips (0.45 GB),
// two dozen threads, and for each transfer up to four buffers of 256 KiB and as many threads: large
// directories are listed by as many. Their stacks, 2 MiB each (own_threads.hpp), count whole.
constexpr std::uint64_t memory_of_lab = 2ull << 30, memory_of_transfer = 10ull << 20;

// Not a budget but an end: what passes it is a fault or an attack, and its lab's alone.
std::uint64_t memory_of_worker([[maybe_unused]] std::uint64_t transfers) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;  // their shadow memory is terabytes, of which little is touched
#else
    return memory_of_lab + transfers * memory_of_transfer;
#endif
}

// Its uid's threads: those of memory_of_lab, and for each transfer four that listings have had and keep for a
// while (own_threads.hpp) with one that an upload makes beside them. Twice, for a worker that hangs has five
// seconds to end, and the next one of its lab begins meanwhile.
constexpr std::uint64_t tasks_of_lab = 64, tasks_of_transfer = 5;

std::uint64_t tasks_of_uid(std::uint64_t transfers) {
    return 2 * (tasks_of_lab + transfers * tasks_of_transfer);
}

asio::awaitable<bool> wait_until_ready(std::shared_ptr<Worker> worker) {
    asio::steady_timer limit(worker->ready.get_executor(), start_limit);
    limit.async_wait([worker](boost::system::error_code cancelled) {
        if (!cancelled) worker->ready.cancel();
    });
    while (!worker->is_ready && !worker->is_gone && limit.expiry() > steady_clock::now()) {
        boost::system::error_code ignored;
        co_await worker->ready.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return worker->is_ready && !worker->is_gone;
}

}  // namespace

asio::awaitable<Result<void>> Workers::hand_over(ServedLab lab, message::SessionStart session, Fd socket) {
    co_await wait_for_backoff(lab.name);
    // Meanwhile the controller may have said otherwise.
    const auto* served = context_.accounts.lab(lab.name);
    if (!served) co_return Error{Code::unavailable, "lab " + lab.name + " is not served any more"};
    lab = *served;
    const auto found = workers_.find(lab.name);
    auto worker = found == workers_.end() ? nullptr : found->second;
    if (!worker) {
        CO_TRY(auto started, start(lab));
        worker = std::move(started);
        workers_.emplace(lab.name, worker);
        // It begins at once, and of a worker that has ended already nothing is in the table behind this line.
        asio::co_spawn(context_.io, serve(worker), asio::detached);
    }
    const bool ready = co_await wait_until_ready(worker);
    if (!ready) co_return Error{Code::unavailable, "the worker of lab " + lab.name + " did not start"};
    ++worker->sessions_started;
    std::vector<Fd> fds;
    fds.push_back(std::move(socket));
    co_return worker->process->channel().send(session, std::move(fds));
}

// A worker that has just died is back a moment later: that is worth waiting for rather than a refused login.
asio::awaitable<void> Workers::wait_for_backoff(std::string lab) {
    const auto left = failures_[lab].not_before - steady_clock::now();
    if (left <= steady_clock::duration::zero() || left > start_limit) co_return;
    co_await pause_for(std::chrono::ceil<std::chrono::milliseconds>(left));
}

Result<std::shared_ptr<Worker>> Workers::start(const ServedLab& lab) {
    if (failures_[lab.name].not_before > steady_clock::now())
        return Error{Code::unavailable, "the worker of lab " + lab.name + " failed a moment ago"};
    TRY(auto process,
        Process::start(context_.io.get_executor(),
                       {.name = "worker:" + lab.name,
                        .executable = context_.executable("stowage-worker"),
                        .most_queued = most_queued,
                        .data_bytes = memory_of_worker(context_.config.ftps.max_transfers_per_lab),
                        .most_tasks = tasks_of_uid(context_.config.ftps.max_transfers_per_lab),
                        .goes_first = true}));
    auto worker = std::make_shared<Worker>(context_.io, lab, std::move(process));
    CHECK(introduce(*worker));
    log::info("worker_started", {{"lab", lab.name}, {"pid", worker->process->pid()}, {"uid", lab.uid}});
    return worker;
}

Result<void> Workers::introduce(Worker& worker) {
    const auto& lab = worker.lab;
    message::StartWorker start;
    start.uid = lab.uid;
    start.gid = lab.gid;
    start.hash_key = hash_key(context_.hash_secret, lab.name, lab.uid);
    if (!start.lab.assign(lab.name) || !start.directory.assign(context_.config.labs.root + "/" + lab.name))
        return Error{Code::internal, "the path of lab " + lab.name + " is too long"};
    TRY(auto fds, duplicates({&context_.sealed_config}));
    auto& channel = worker.process->channel();
    const auto sent = channel.send(start, std::move(fds));
    explicit_bzero(start.hash_key.data(), start.hash_key.size());
    if (!sent) return sent.error();
    if (lab.resumption_optional) CHECK(supervisor::send_certificate(context_, channel));
    CHECK(channel.send(lab.settings()));
    for (const auto& key : context_.tickets.all())
        CHECK(channel.send(key));
    return {};
}

asio::awaitable<void> Workers::serve(std::shared_ptr<Worker> worker) {
    const auto started = steady_clock::now();
    const auto why = co_await answer(worker);
    const bool failed = !worker->is_ready;
    worker->is_gone = true;
    worker->ready.cancel();
    remove(worker);
    worker->process->channel().close();
    if (why.code == Code::protocol) {
        log::error("child_misbehaved", {{"child", "worker"}, {"lab", worker->lab.name}, {"what", why.what}});
        worker->process->signal(SIGKILL);
    }
    const auto ending = co_await worker->process->wait_or_kill(std::chrono::seconds(5));
    const bool clean = ending.exit_code == 0 && !failed;
    if (!clean) {
        auto& failures = failures_[worker->lab.name];
        ++failures.count;
        failures.not_before =
            steady_clock::now() + failures.backoff.after_running(steady_clock::now() - started);
    }
    log::write(clean ? log::Level::info : log::Level::warning, "child_ended",
               {{"child", "worker"},
                {"lab", worker->lab.name},
                {"pid", worker->process->pid()},
                {"how", ending.text()}});
}

asio::awaitable<Error> Workers::answer(std::shared_ptr<Worker> worker) {
    for (;;) {
        auto packet = co_await receive_admitted(worker->process->channel(), Peer::worker, worker->is_ready);
        if (!packet) co_return packet.error();
        if (const auto handled = handle(worker, *packet); !handled) co_return handled.error();
    }
}

// Code::cancelled: it has been idle, and may go.
Result<void> Workers::handle(const std::shared_ptr<Worker>& worker, const ipc::Packet& packet) {
    if (packet.header.type == message::Type::ready) {
        worker->is_ready = true;
        worker->ready.cancel();
        return {};
    }
    if (packet.header.type == message::Type::usage_query) {
        CHECK(packet.as<message::UsageQuery>());
        if (worker->asks_usage) return Error{Code::protocol, "a second usage query before the answer"};
        worker->asks_usage = true;
        asio::co_spawn(context_.io, tell_usage(worker, packet.header.id), asio::detached);
        return {};
    }
    if (packet.header.type == message::Type::activity) return take_activity(*worker, packet);
    TRY(const auto idle, packet.as<message::Idle>());
    TRY(const bool done, worker->idle_claims.judge(idle.sessions_started, worker->sessions_started));
    if (done) return Error{Code::cancelled, "idle"};
    return {};
}

asio::awaitable<void> Workers::tell_usage(std::shared_ptr<Worker> worker, std::uint32_t id) {
    auto lab = worker->lab;
    const auto usage = co_await usage_.observe(std::move(lab));
    worker->asks_usage = false;
    if (!worker->is_gone) (void)worker->process->channel().send(usage, {}, id);
}

void Workers::remove(const std::shared_ptr<Worker>& worker) {
    const auto found = workers_.find(worker->lab.name);
    if (found != workers_.end() && found->second == worker) workers_.erase(found);
    context_.changes.tell();
}

void Workers::lab_changed(const ServedLab& lab) {
    const auto found = workers_.find(lab.name);
    if (found == workers_.end()) return;
    auto& worker = *found->second;
    if (!worker.lab.same_process(lab)) return end(lab.name);
    const bool newly_optional = lab.resumption_optional && !worker.lab.resumption_optional;
    worker.lab = lab;
    auto& channel = worker.process->channel();
    if (newly_optional) (void)supervisor::send_certificate(context_, channel);
    (void)channel.send(lab.settings());
}

void Workers::end(const std::string& lab) {
    const auto found = workers_.find(lab);
    if (found != workers_.end()) found->second->process->channel().close();
}

void Workers::send(const message::TicketKey& key) {
    for (const auto& [lab, worker] : workers_)
        (void)worker->process->channel().send(key);
}

void Workers::send_certificate() {
    for (const auto& [lab, worker] : workers_)
        if (worker->lab.resumption_optional)
            (void)supervisor::send_certificate(context_, worker->process->channel());
}

void Workers::drain() {
    const auto limit = static_cast<std::uint32_t>(context_.config.drain_timeout.count());
    for (const auto& [lab, worker] : workers_)
        (void)worker->process->channel().send(message::Drain{limit});
}

std::uint32_t Workers::restarts(const std::string& lab) const {
    const auto found = failures_.find(lab);
    return found == failures_.end() ? 0 : found->second.count;
}

}  // namespace stowage::supervisor
