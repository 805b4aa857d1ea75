// The coroutine of a session that does its commands, in their order; session_reader.cpp has the one that
// reads them. Runs in: worker.
#include "ftps/worker/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <new>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/activity.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/session_reader.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

// After the last reply the front closes; this is for one that does not.
constexpr std::chrono::seconds closing_limit{10};
// How old the numbers in the welcome may be.
constexpr std::chrono::seconds usage_age{30};

/// The next command, or nothing when the session is over; its last words have been sent then.
asio::awaitable<std::optional<Inbox::Line>> next_line(Session& session) {
    const auto limit = session.worker.config.ftps.idle_timeout;
    // Bytes of a line that never ends do not put it off.
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (session.inbox.empty() || session.farewell) {
        if (session.gone) co_return std::nullopt;
        if (session.farewell) {
            session.reply(421, session.farewell);
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
    auto line = session.inbox.pop();
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
    try {
        session.link.send_close();
    } catch (const std::bad_alloc&) {
        session.link.close();  // the reader refers to the session: it must end before that does
    }
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

void Session::leave_after_this(const char* farewell_) {
    farewell = farewell_;
    abort_transfer();
    wake.notify();
}

bool Session::is_unwanted() const {
    return gone || farewell || std::any_of(inbox.begin(), inbox.end(), [](const Inbox::Line& line) {
               const auto* command = std::get_if<Command>(&line);
               return command && command->verb == "ABOR";
           });
}

namespace {

/// A session's places in the worker's tables: they go before it does, whatever ends it.
class Places {
  public:
    Places(Session& session, const asio::ip::address& peer) : session_(session) {
        auto& worker = session.worker;
        worker.sessions[session.number] = &session;
        try {
            worker.live_sessions.enter(session.nonce, {session.user, peer});
        } catch (...) {
            worker.sessions.erase(session.number);
            throw;
        }
        worker.sessions_changed.notify();
    }
    ~Places() {
        session_.worker.live_sessions.leave(session_.nonce);
        session_.worker.sessions.erase(session_.number);
        session_.worker.sessions_changed.notify();
    }
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

  private:
    Session& session_;
};

/// Where memory does not suffice for last words, the end of the connection says it.
void say_failed(Session& session, const std::exception& error) noexcept {
    try {
        log::error("session_failed", {{"session", session.number}, {"why", error.what()}});
        session.reply(421, "Something went wrong in the server; the administrator finds it in the log.");
    } catch (const std::exception&) {
    }
}

}  // namespace

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
    const Places places(session, ends->peer);
    log::info("session_start",
              {{"session", session.number}, {"user", session.user}, {"peer", start.peer.view()}});
    try {
        asio::co_spawn(worker.context, read_commands(session), asio::detached);
    } catch (const std::bad_alloc&) {
        session.gone = true;  // nobody else would say so
    }
    try {
        if (!too_many(session)) co_await serve_commands(session);
    } catch (const std::exception& error) {
        say_failed(session, error);
    }
    co_await end(session);
    log::info("session_end", {{"session", session.number}, {"user", session.user}});
}

}  // namespace stowage::ftps
