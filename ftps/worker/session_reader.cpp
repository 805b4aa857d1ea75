// What is dealt with at once, and what waits in line.
// Runs in: worker.
#include "ftps/worker/session_reader.hpp"

#include <exception>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/long_command.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

// While nothing runs that ABOR could end.
constexpr std::size_t max_ahead = 64;
// While something does: thousands of commands.
constexpr std::size_t max_ahead_bytes = 1 << 20;
constexpr std::chrono::hours long_wait{24};

/// True if the command was dealt with while a transfer runs. ABOR both ends the transfer and stays in line,
/// for its own reply comes after the transfer's.
bool done_meanwhile(Session& session, const Inbox::Line& line) {
    const auto* command = std::get_if<Command>(&line);
    if (!session.transferring || !command) return false;
    if (command->verb == "ABOR") session.abort_transfer();
    if (!session.inbox.empty()) return false;  // not before those that came earlier
    if (!session.transfer || !session.transfer->has_begun() || session.transfer->is_over()) return false;
    if (session.open_reply != 0) {  // a reply of its own would end the open one
        if (command->verb == "STAT") session.tell_progress();
        return false;
    }
    if (command->verb == "NOOP") {
        session.asked_meanwhile = true;
        session.say_opening();
        session.reply(200, "OK; the transfer goes on.");
        return true;
    }
    if (command->verb == "STAT" && command->argument.empty()) {
        session.asked_meanwhile = true;
        session.say_opening();
        session.reply(213, progress(session) + ".");
        return true;
    }
    return false;
}

void take_lines(Session& session) {
    for (;;) {
        auto next = session.reader.next();
        if (std::holds_alternative<CommandReader::NeedMore>(next)) return;
        Inbox::Line line;
        if (auto* command = std::get_if<Command>(&next))
            line = std::move(*command);
        else
            line = std::get<CommandReader::BadLine>(std::move(next));
        if (!done_meanwhile(session, line)) session.inbox.push(std::move(line));
    }
}

bool has_to_wait(const Session& session) {
    return session.inbox.size() >= max_ahead && !session.transferring && !session.leaving &&
           !session.farewell;
}

asio::awaitable<void> read_until_gone(Session& session) {
    for (;;) {
        while (has_to_wait(session))
            co_await session.room.wait(long_wait);
        const auto bytes = co_await session.link.receive();
        if (!bytes) co_return;
        if (bytes->empty()) {
            session.worker.live_sessions.give(session.nonce, session.link.tls_session().clone());
            continue;
        }
        if (session.leaving || session.farewell) continue;  // only its end is of interest
        session.reader.feed(*bytes);
        take_lines(session);
        if (session.inbox.bytes() > max_ahead_bytes) {
            log::notice("session_sent_too_much_ahead",
                        {{"user", session.user}, {"commands", session.inbox.size()}});
            session.leave_after_this(
                "Too many commands were sent ahead; wait for replies before you send more.");
        }
        session.wake.notify();
    }
}

void log_failure(const Session& session, const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        log::error("session_failed", {{"session", session.number}, {"why", error.what()}});
    }
}

}  // namespace

void answer_waiting(Session& session) {
    auto waiting = std::exchange(session.inbox, {});
    while (!waiting.empty()) {
        auto line = waiting.pop();
        if (!done_meanwhile(session, line)) session.inbox.push(std::move(line));
    }
    session.room.notify();
}

asio::awaitable<void> read_commands(Session& session) {
    std::exception_ptr thrown;
    try {
        co_await read_until_gone(session);
    } catch (...) {
        thrown = std::current_exception();
    }
    session.gone = true;
    session.abort_transfer();
    session.wake.notify();
    session.reader_ended.notify();
    if (thrown) log_failure(session, thrown);  // last, for it wants memory
}

}  // namespace stowage::ftps
