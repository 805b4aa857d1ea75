// The two coroutines of a session: one reads commands, the other does them in their order.
// Runs in: worker. Distrusts: commands that come while another is being done.
#include "ftps/worker/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/activity.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/long_command.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

// A client may send ahead this many commands; then it has to wait.
constexpr std::size_t max_inbox = 64;
// After the last reply the front closes; this is for one that does not.
constexpr std::chrono::seconds closing_limit{10};
constexpr std::chrono::hours long_wait{24};
// How old the numbers in the welcome may be.
constexpr std::chrono::seconds usage_age{30};

/// True if the command was dealt with while a transfer runs. ABOR both ends the transfer and stays in line,
/// for its own reply comes after the transfer's.
bool done_meanwhile(Session& session, const Session::Line& line) {
    const auto* command = std::get_if<Command>(&line);
    if (!session.transferring || !command) return false;
    if (command->verb == "ABOR") session.abort_transfer();
    if (!session.inbox.empty()) return false;  // not before those that came earlier
    if (!session.transfer || !session.transfer->has_begun()) return false;
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
        Session::Line line;
        if (auto* command = std::get_if<Command>(&next))
            line = std::move(*command);
        else
            line = std::get<CommandReader::BadLine>(std::move(next));
        if (!done_meanwhile(session, line)) session.inbox.push_back(std::move(line));
    }
}

}  // namespace

void answer_waiting(Session& session) {
    auto waiting = std::exchange(session.inbox, {});
    for (auto& line : waiting)
        if (!done_meanwhile(session, line)) session.inbox.push_back(std::move(line));
    session.room.notify();
}

namespace {

asio::awaitable<void> read_commands(Session& session) {
    for (;;) {
        while (session.inbox.size() >= max_inbox && !session.leaving)
            co_await session.room.wait(long_wait);
        const auto bytes = co_await session.link.receive();
        if (!bytes) break;
        if (bytes->empty()) {
            session.worker.live_sessions.give(session.nonce, session.link.tls_session().clone());
            continue;
        }
        if (session.leaving) continue;  // only its end is of interest
        session.reader.feed(*bytes);
        take_lines(session);
        session.wake.notify();
    }
    session.gone = true;
    session.abort_transfer();
    session.wake.notify();
    session.reader_ended.notify();
}

/// The next command, or nothing when the session is over; its last words have been sent then.
asio::awaitable<std::optional<Session::Line>> next_line(Session& session) {
    const auto limit = session.worker.config.ftps.idle_timeout;
    // Bytes of a line that never ends do not put it off.
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (session.inbox.empty() || session.killed) {
        if (session.gone) co_return std::nullopt;
        if (session.killed) {
            session.reply(421, "An administrator ended this session.");
            co_return std::nullopt;
        }
        if (session.draining) {
            session.reply(421, "The server is being shut down or restarted; connect again in a moment.");
            co_return std::nullopt;
        }
        const auto left = deadline - std::chrono::steady_clock::now();
        bool woken = left.count() > 0;
        if (woken) woken = co_await session.wake.wait(left);
        if (woken) continue;
        session.reply(
            421, fmt::format("Nothing was asked for {} s; connect again when you are back.", limit.count()));
        co_return std::nullopt;
    }
    auto line = std::move(session.inbox.front());
    session.inbox.pop_front();
    session.room.notify();
    co_return line;
}

asio::awaitable<std::string> welcome(Session& session) {
    const auto& settings = session.worker.settings;
    auto text = fmt::format("Welcome to lab {}, {}.", session.worker.lab, session.user);
    if (settings.quota_bytes == 0 && settings.quota_inodes == 0) co_return text;
    // Also where it is not told: from here on the usage is known.
    const auto usage = co_await session.worker.usage.recent(usage_age);
    if (settings.quota_bytes > 0)
        text += fmt::format(" The lab may hold {}.", format_bytes(settings.quota_bytes));
    co_return text + warning(usage);
}

asio::awaitable<void> serve_commands(Session& session) {
    const auto greeting = co_await welcome(session);
    session.reply(230, greeting);
    while (!session.leaving && !session.gone) {
        auto line = co_await next_line(session);
        if (!line) break;
        if (auto* command = std::get_if<Command>(&*line)) {
            begin_activity(session, command->verb, command->argument);
            co_await run_command(session, std::move(*command));
            end_activity(session);
        } else {
            session.reply(500,
                          "This line is no command: " + std::get<CommandReader::BadLine>(*line).reason + ".");
        }
    }
}

asio::awaitable<void> end(Session& session) {
    session.leaving = true;
    session.data.reset();
    session.room.notify();
    session.link.send_close();
    // The front closes its end when the client has everything; only then is the reader at its end as well.
    if (!session.gone) (void)co_await session.reader_ended.wait(closing_limit);
    session.link.close();
    while (!session.gone)
        (void)co_await session.reader_ended.wait(closing_limit);
}

/// Nothing if one of them is no address.
std::optional<Ends> ends_in(const message::SessionStart& start) {
    Ends ends;
    for (const auto& [text, address] :
         {std::pair{&start.local, &ends.local}, {&start.bound, &ends.bound}, {&start.peer, &ends.peer}}) {
        boost::system::error_code bad;
        *address = asio::ip::make_address(text->str(), bad);
        if (bad) return std::nullopt;
    }
    return ends;
}

bool too_many(Session& session) {
    const auto limit = session.worker.config.ftps.max_sessions_per_user;
    if (session.worker.draining)
        session.reply(421, "The server is being shut down; connect again in a moment.");
    else if (session.worker.sessions_of(session.user) > limit)
        session.reply(421, fmt::format("{} has {} sessions, which is the limit; close one first.",
                                       session.user, limit));
    else
        return false;
    return true;
}

}  // namespace

Session::Session(Worker& worker_, const message::SessionStart& start, Fd socket, Ends ends)
    : worker(worker_),
      number(start.session),
      nonce(start.nonce),
      user(start.user.str()),
      control_is_tls13(start.tls_version >= 0x0304),
      link(worker_.context.get_executor(), std::move(socket)),
      data(worker_.context.get_executor(), std::move(ends), worker_.config.ftps.proxy_networks,
           worker_.listeners),
      prot_private(start.prot_private != 0),
      wake(worker_.context.get_executor()),
      room(worker_.context.get_executor()),
      reader_ended(worker_.context.get_executor()),
      client(start.client.str()) {}

void Session::reply(int code, std::string_view text) {
    link.send(ftps::reply(code, text));
}

void Session::refuse(const Error& error) {
    refuse(0, error);
}

void Session::refuse(int code, const Error& error) {
    const auto shown = explained(error, worker.usage.latest(), 0);
    tell(code != 0 ? code : reply_code(shown.code), shown);
}

void Session::tell(int code, const Error& error) {
    log_refusal(*this, code, error);
    // It may name what a pod has made, with a line end in it.
    reply(code, line_name(error.text()) + ".");
}

void Session::put_opening(std::string text) {
    const std::lock_guard lock(opening_mutex_);
    opening_ = std::move(text);
}

// Sent under the lock: what another thread says after it comes after it.
void Session::say_opening() {
    const std::lock_guard lock(opening_mutex_);
    if (const auto text = std::exchange(opening_, std::nullopt)) reply(150, *text);
}

bool Session::has_opening() {
    const std::lock_guard lock(opening_mutex_);
    return opening_.has_value();
}

void Session::tell_progress() {
    link.send(
        reply_part(open_reply, fmt::format("{}: {} so far.", transfer->subject().name, transfer->amount())));
}

void Session::abort_transfer() {
    if (!transferring) return;
    aborting = true;
    data.cancel();
    if (transfer) transfer->abort();
    worker.live_sessions.wake();
}

bool Session::is_unwanted() const {
    return gone || std::any_of(inbox.begin(), inbox.end(), [](const Line& line) {
               const auto* command = std::get_if<Command>(&line);
               return command && command->verb == "ABOR";
           });
}

asio::awaitable<void> serve(Worker& worker, message::SessionStart start, Fd socket) {
    const auto ends = ends_in(start);
    if (!ends) {
        log::error("session_refused",
                   {{"why", "not an address"}, {"peer", start.peer.view()}, {"local", start.local.view()}});
        co_return;
    }
    if (worker.sessions.contains(start.session)) {
        // A front that was taken over says so of one that it keeps: no reason to end all the lab's sessions.
        log::error("session_refused", {{"session", start.session}, {"why", "there is one of this number"}});
        co_return;
    }
    Session session(worker, start, std::move(socket), *ends);
    worker.sessions[session.number] = &session;
    worker.sessions_changed.notify();
    worker.live_sessions.enter(session.nonce, {session.user, ends->peer});
    log::info("session_start",
              {{"session", session.number}, {"user", session.user}, {"peer", start.peer.view()}});
    asio::co_spawn(worker.context, read_commands(session), asio::detached);
    try {
        if (!too_many(session)) co_await serve_commands(session);
    } catch (const std::exception& error) {
        log::error("session_failed", {{"session", session.number}, {"why", error.what()}});
        session.reply(421, "Something went wrong in the server; the administrator finds it in the log.");
    }
    co_await end(session);
    worker.live_sessions.leave(session.nonce);
    worker.sessions.erase(session.number);
    worker.sessions_changed.notify();
    log::info("session_end", {{"session", session.number}, {"user", session.user}});
}

}  // namespace stowage::ftps
