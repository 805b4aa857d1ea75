// The life of a data command.
// Runs in: worker. Distrusts: who connects first: a connection that is refused leaves room for the right one.
#include "ftps/worker/data_command.hpp"

#include <fmt/format.h>
#include <poll.h>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/rest_of_upload.hpp"
#include "ftps/worker/room.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

using Clock = std::chrono::steady_clock;

// How long the right client may still come after another one was refused, and how often.
constexpr std::chrono::seconds second_chance{1};
constexpr int max_refusals = 8;
// For what a client still sends of an upload that found no room: it hears the 552 in this time, or never.
constexpr std::chrono::seconds rest_limit{10};
// How long a client that began TLS before its command waits for the 150 if it does not end the handshake.
constexpr std::chrono::seconds opening_patience{2};

struct Outcome {
    DataStream::Handshake handshake = DataStream::Handshake::failed;
    Result<void> work;
    std::string version;
};

bool is_accepted(DataStream::Handshake handshake) {
    return handshake == DataStream::Handshake::resumed || handshake == DataStream::Handshake::full;
}

Error not_resumed() {
    return {Code::denied,
            "the data connection must resume the TLS session of the control connection (from the same "
            "address, by the "
            "same user), and this one did not",
            "switch TLS session resumption on in your client; if it has none, ask the administrator to set "
            "data_tls_resumption: optional for this lab"};
}

boost::asio::awaitable<Result<Outcome>> run_once(Session& session, std::shared_ptr<Transfer> transfer,
                                                 const DataCommand& command) {
    auto& worker = session.worker;
    CO_TRY(const auto context, worker.tls.context());
    const auto timeout = std::chrono::milliseconds(worker.config.ftps.data_timeout);
    LiveSessions::Asker asker;
    asker.nonce = session.nonce;
    asker.own_only = worker.config.ftps.same_control_connection;
    asker.given_up = &transfer->aborted;
    auto run = [&session, context, transfer, work = command.work, by_kernel = command.by_kernel, asker,
                timeout_ms = static_cast<int>(timeout.count())]() mutable -> Result<Outcome> {
        DataStream stream(context, transfer->socket.get(), {session.worker.live_sessions, asker}, timeout_ms);
        if (by_kernel) stream.offer_kernel();
        Outcome outcome;
        outcome.handshake = stream.accept();
        outcome.version = stream.version();
        if (!is_accepted(outcome.handshake)) return outcome;
        // The right client is here: its port is free for others. Done before the session can go on, so it
        // lives.
        asio::post(session.worker.context, [&session] {
            session.data.reset();
            session.say_opening();
        });
        outcome.work = work(stream, *transfer);
        return outcome;
    };
    co_return co_await on_own_thread(worker.pool, std::move(run));
}

// 425 until there was a connection, 522 without resumption, 426 when it broke, else the table's.
void refuse(Session& session, const Error& error, int code) {
    if (session.aborting)
        session.reply(426, "The transfer was aborted.");
    else if (code != 0)
        session.refuse(code, error);
    else
        session.refuse(error.code == Code::protocol ? 426 : reply_code(error.code), error);
}

bool has_spoken(const Fd& socket) {
    pollfd waited{socket.get(), POLLIN, 0};
    return ::poll(&waited, 1, 0) > 0;
}

// For whom the 150 came late enough, or too late, the session may be gone.
void say_opening_in_time(Session& session, asio::steady_timer& late) {
    late.expires_after(opening_patience);
    late.async_wait([&worker = session.worker, number = session.number](boost::system::error_code cancelled) {
        const auto found = worker.sessions.find(number);
        if (!cancelled && found != worker.sessions.end()) found->second->say_opening();
    });
}

struct Ended {
    Result<void> result;
    int code = 0;  // of the reply, where it is not the table's
    std::string version;
};

boost::asio::awaitable<Ended> attempt_all(Session& session, const DataCommand& command) {
    auto limit = Clock::duration(session.worker.config.ftps.data_timeout);
    const bool passive = session.data.is_passive();
    Ended ended{Error{Code::cancelled, "the transfer was aborted"}, 425, {}};
    for (int refusals = 0; refusals <= max_refusals && !session.aborting; ++refusals) {
        auto socket = co_await session.data.connect(limit);
        if (!socket) {
            if (refusals == 0) ended.result = socket.error();
            break;
        }
        session.transfer = std::make_shared<Transfer>();
        session.transfer->socket = std::move(*socket);
        if (!has_spoken(session.transfer->socket)) session.say_opening();
        auto outcome = co_await run_once(session, session.transfer, command);
        if (!outcome) co_return Ended{outcome.error(), 0, {}};
        if (is_accepted(outcome->handshake)) co_return Ended{std::move(outcome->work), 0, outcome->version};
        const bool refused = outcome->handshake == DataStream::Handshake::refused;
        log::warning("data_connection_refused", {{"user", session.user},
                                                 {"peer", session.data.peer().to_string()},
                                                 {"why", refused ? "not resumed" : "TLS handshake failed"}});
        ended.result = refused ? not_resumed()
                               : Error{Code::unavailable, "the TLS handshake of the data connection failed"};
        ended.code = refused ? 522 : 425;
        if (!passive) break;
        limit = second_chance;
    }
    co_return ended;
}

void log_transfer(const Session& session, const DataCommand& command, const Ended& ended,
                  Clock::time_point began) {
    const double seconds = std::max(1e-6, std::chrono::duration<double>(Clock::now() - began).count());
    const auto bytes = session.transfer ? session.transfer->bytes.load() : 0;
    log::info("transfer", {{"session", session.number},
                           {"lab", session.worker.lab},
                           {"verb", command.verb},
                           {"user", session.user},
                           {"peer", session.data.peer().to_string()},
                           {"path", command.path},
                           {"bytes", bytes},
                           {"seconds", fmt::format("{:.3f}", seconds)},
                           {"mb_per_s", fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6 / seconds)},
                           {"tls", ended.version},
                           {"sha256", session.transfer ? session.transfer->sha256 : ""},
                           {"result", ended.result ? "ok" : to_string(ended.result.error().code)},
                           {"why", ended.result ? "" : ended.result.error().what}});
}

}  // namespace

bool may_transfer(Session& session) {
    const auto& ftps = session.worker.config.ftps;
    if (!session.prot_private)
        session.reply(521, "Data connections must be protected by TLS; send PBSZ 0 and PROT P first.");
    else if (!session.data.is_prepared())
        session.reply(425, "No data connection was prepared; send PASV or EPSV first.");
    else if (session.worker.transfers >= ftps.max_transfers_per_lab)
        session.reply(
            450, fmt::format("{} transfers of this lab are running, which is the limit; try again later.",
                             session.worker.transfers));
    else
        return true;
    return false;
}

LineEnds line_ends_of(const Session& session) {
    return session.type == DataType::ascii ? LineEnds::converted : LineEnds::kept;
}

bool refused_in_ascii(Session& session, bool has_position) {
    const bool refused = has_position && session.type == DataType::ascii;
    if (refused)
        session.reply(554,
                      "In TYPE A a transfer starts at byte 0 only; send TYPE I, then REST or RANG again.");
    return refused;
}

boost::asio::awaitable<void> run_data_command(Session& session, DataCommand command) {
    const auto began = Clock::now();
    ++session.worker.transfers;
    session.transferring = true;
    session.aborting = session.is_unwanted();
    session.transfer_name = command.verb + " " + command.path;
    session.path = command.path;
    session.transfer_size = command.size;
    session.transfer_began = began;
    // Before the handshake: some clients start TLS only after they have read it. But one that uploads and has
    // begun TLS already hears it behind the handshake: Node ends the connection of an empty file in the
    // middle of it when the 150 comes first.
    session.opening = command.opening;
    asio::steady_timer late(session.worker.context);
    if (command.stores && session.data.somebody_waits())
        say_opening_in_time(session, late);
    else
        session.say_opening();

    const auto ended = co_await attempt_all(session, command);
    session.say_opening();

    log_transfer(session, command, ended, began);
    if (ended.result && !session.transfer->sha256.empty())
        command.success += " SHA256=" + session.transfer->sha256;
    const auto bytes = session.transfer ? session.transfer->bytes.load() : 0;
    const bool found_no_room = !ended.result && command.stores && session.transfer &&
                               is_full(ended.result.error()) && !session.aborting;
    Fd unfinished;
    if (found_no_room) unfinished = std::move(session.transfer->socket);
    // The socket is closed before the reply: clients may connect anew at once. By hand, for the thread that
    // is just ending may hold the transfer a little longer.
    if (session.transfer) session.transfer->socket.reset();
    session.transfer.reset();
    session.data.reset();
    if (command.release) co_await command.release();
    session.transferring = false;
    --session.worker.transfers;
    session.announced.running = 0;
    if (ended.result) {
        if (command.stores) session.refused_in_a_row = 0;
        session.reply(226, command.success);
    } else if (found_no_room) {
        co_await refuse_full(session, ended.result.error(), bytes);
        co_await throw_away_rest(session.worker.context.get_executor(), std::move(unfinished), rest_limit);
    } else {
        refuse(session, ended.result.error(), ended.code);
    }
}

}  // namespace stowage::ftps
