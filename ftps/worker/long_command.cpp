// The life of a long command.
// Runs in: worker.
#include "ftps/worker/long_command.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/line_limit.hpp"

namespace stowage::ftps {

namespace {

using Clock = std::chrono::steady_clock;

// Each reads or writes as fast as the disks can: more of them at once would only make all of them slow.
constexpr unsigned max_long_commands = 8;
constexpr std::chrono::seconds keepalive_interval{10};
constexpr unsigned idle_lines_per_second = 20;
constexpr std::size_t longest_in_log = 512;

/// Shared with the coroutine below, which may outlive the command.
struct Keepalive {
    explicit Keepalive(asio::any_io_executor executor) : ended(std::move(executor)) {}
    Event ended;
    bool over = false;
};

/// What a session holds while its long command runs: given back whatever ends that.
class Running {
  public:
    Running(Session& session, std::shared_ptr<Keepalive> keepalive)
        : session_(session), keepalive_(std::move(keepalive)) {
        ++session_.worker.long_commands;
        session_.transferring = true;
        session_.aborting = session_.asked_meanwhile = false;
    }
    ~Running() { give_back(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    /// No more lines from the coroutine below, which may go on longer than the session.
    void end_keepalive() {
        keepalive_->over = true;
        keepalive_->ended.notify();
    }
    void give_back() {
        if (!std::exchange(holds_, false)) return;
        end_keepalive();
        session_.transfer.reset();
        session_.transferring = false;
        --session_.worker.long_commands;
    }

  private:
    Session& session_;
    std::shared_ptr<Keepalive> keepalive_;
    bool holds_ = true;
};

// A client that asks meanwhile knows that we live, and its replies must not get among these lines.
asio::awaitable<void> keep_alive(Session& session, std::shared_ptr<Keepalive> shared, int code) {
    for (;;) {
        (void)co_await shared->ended.wait(keepalive_interval);
        if (shared->over || session.asked_meanwhile) co_return;
        session.open_reply = code;
        session.tell_progress();
    }
}

/// Each for what has changed something. The rest can be asked for as fast as it is refused, with paths of
/// thousands of bytes.
void log_command(const Session& session, const LongCommand& command, const Result<std::string>& outcome,
                 Clock::time_point began) {
    static log::LineLimit idle_lines(idle_lines_per_second);
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    const bool has_changed = command.changes && outcome;
    const auto longest = has_changed ? std::string_view::npos : longest_in_log;
    const std::initializer_list<log::Field> fields = {
        {"verb", command.verb},
        {"user", session.user},
        {"peer", session.data.peer().to_string()},
        {"path", std::string_view(command.path).substr(0, longest)},
        {"bytes", session.transfer->bytes.load()},
        {"seconds", fmt::format("{:.3f}", seconds)},
        {"result", outcome ? "ok" : to_string(outcome.error().code)},
        {"why", outcome ? std::string_view() : std::string_view(outcome.error().what).substr(0, longest)}};
    if (has_changed)
        log::info("file_command", fields);
    else
        log::write_limited(idle_lines, log::Level::info, "file_command", fields);
}

void answer(Session& session, const LongCommand& command, const Result<std::string>& outcome) {
    const bool failed_late = std::exchange(session.open_reply, 0) != 0 && !outcome;
    session.leaving = session.leaving || failed_late;
    if (outcome)
        session.reply(command.code, *outcome);
    else if (session.aborting && outcome.error().code == Code::cancelled)
        session.reply(426, command.verb + " was aborted; nothing was changed.");
    else  // with the words for what is full, if that is the reason
        session.tell(reply_code(outcome.error().code), outcome.error());
}

}  // namespace

asio::awaitable<void> run_long_command(Session& session, LongCommand command) {
    auto& worker = session.worker;
    if (worker.long_commands >= max_long_commands) {
        session.reply(450, fmt::format("{} hashes and copies of this lab are running, which is the limit; "
                                       "try again later.",
                                       worker.long_commands));
        co_return;
    }
    const auto began = Clock::now();
    const auto keepalive = std::make_shared<Keepalive>(worker.context.get_executor());
    Running running(session, keepalive);
    session.transfer_began = began;
    session.transfer = std::make_shared<Transfer>();
    session.transfer->begin({command.verb + " " + command.path, command.path}, false);
    if (session.is_unwanted()) session.abort_transfer();
    answer_waiting(session);
    asio::co_spawn(worker.context, keep_alive(session, keepalive, command.code), asio::detached);

    auto work = [transfer = session.transfer, run = command.work] { return run(*transfer); };
    auto outcome = co_await on_own_thread(std::move(work));

    running.end_keepalive();
    log_command(session, command, outcome, began);
    if (!outcome && is_full(outcome.error())) {
        const auto usage = co_await worker.usage.exact();
        outcome = explained(outcome.error(), usage, session.transfer->bytes);
    }
    running.give_back();
    answer(session, command, outcome);
}

}  // namespace stowage::ftps
