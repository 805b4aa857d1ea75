// One thread from the path to the last byte: each hand-over to another would cost more than a small file
// does. Runs in: worker, on the transfer threads.
#include "ftps/worker/data_attempt.hpp"

#include <poll.h>

#include "ftps/worker/data_stream.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

using Clock = std::chrono::steady_clock;

// How long the right client may still come after another one was refused, and how often.
constexpr std::chrono::seconds second_chance{1};
constexpr int max_refusals = 8;
// How long a client that began TLS before its command waits for the 150 if it does not end the handshake.
constexpr std::chrono::seconds opening_patience{2};

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

bool has_spoken(int socket) {
    pollfd waited{socket, POLLIN, 0};
    return ::poll(&waited, 1, 0) > 0;
}

/// curl keeps one TLS session, the newest, for all its parallel connections, and OpenSSL's client takes one
/// of TLS 1.3 for used up when its handshake ends: who connects next has none to resume until another came.
/// Asked for before the handshake it is there in time, as a rule; nothing waits for it. It is curl that
/// begins TLS before its command, too.
void replace_ticket(Session& session) {
    if (session.worker.live_sessions.has_company(session.nonce)) session.link.send_ticket();
}

/// Whoever was there before the command was may have been somebody else: the right client waits for its 150.
Result<Fd> connect(DataAttempt& attempt, Clock::duration limit) {
    if (!attempt.session.has_opening()) return attempt.door->connect(limit);
    const auto patience = std::min<Clock::duration>(limit, opening_patience);
    auto socket = attempt.door->connect(patience);
    if (socket || socket.error().code != Code::timeout || limit == patience) return socket;
    attempt.session.say_opening();
    return attempt.door->connect(limit - patience);
}

/// One handshake, and the work behind it.
DataStream::Handshake try_once(DataAttempt& attempt, AttemptEnd& end) {
    auto& [session, command, transfer, door, context, asker, timeout, place] = attempt;
    DataStream stream(context, transfer->socket(), {session.worker.live_sessions, asker},
                      static_cast<int>(timeout.count()));
    if (command.by_kernel) stream.offer_kernel();
    if (session.has_opening()) stream.when_silent(opening_patience, [&session] { session.say_opening(); });
    const auto handshake = stream.accept();
    if (!is_accepted(handshake)) return handshake;
    // The right client is here: its port is free for others.
    door->shut();
    session.say_opening();
    end.version = stream.version();
    end.code = 0;
    end.result = command.work(stream, *transfer);
    return handshake;
}

void attempt_all(DataAttempt& attempt, AttemptEnd& end) {
    auto& session = attempt.session;
    Clock::duration limit = attempt.timeout;
    end.code = 425;
    for (int refusals = 0; refusals <= max_refusals && !attempt.transfer->aborted; ++refusals) {
        auto socket = connect(attempt, limit);
        if (!socket) {
            if (refusals == 0) end.result = socket.error();
            return;
        }
        const bool spoken = has_spoken(socket->get());
        if (!attempt.transfer->take(std::move(*socket))) return;
        if (!spoken)
            session.say_opening();
        else
            replace_ticket(session);
        const auto handshake = try_once(attempt, end);
        if (is_accepted(handshake)) return;
        const bool refused = handshake == DataStream::Handshake::refused;
        log::warning("data_connection_refused", {{"user", session.user},
                                                 {"peer", session.data.peer().to_string()},
                                                 {"why", refused ? "not resumed" : "TLS handshake failed"}});
        end.result = refused ? not_resumed()
                             : Error{Code::unavailable, "the TLS handshake of the data connection failed"};
        end.code = refused ? 522 : 425;
        if (!attempt.door->is_passive()) return;
        limit = second_chance;
    }
}

/// What a command holds goes with its thread, whatever ends it.
struct Release {
    explicit Release(DataCommand& command_) : command(command_) {}
    ~Release() {
        if (command.release) command.release();
        command.work = nullptr;
    }
    Release(const Release&) = delete;
    Release& operator=(const Release&) = delete;
    DataCommand& command;
};

/// At its end nothing of it is left: no connection, and nobody holds its name.
AttemptEnd perform_all(DataAttempt& attempt) {
    auto& [session, command, transfer, door, context, asker, timeout, place] = attempt;
    const Release release(command);
    AttemptEnd end;
    if (auto prepared = command.prepare(command); !prepared) {
        end.result = prepared.error();
        end.code = command.refusal;
        return end;
    }
    end.was_prepared = true;
    // Before the handshake: some clients start TLS only after they have read it. But one that uploads and has
    // begun TLS already hears it behind the handshake: Node ends the connection of an empty file in the
    // middle of it when the 150 comes first.
    session.put_opening(command.opening);
    transfer->begin({command.verb + " " + command.path, command.path, command.size}, true);
    if (!command.stores || !door->somebody_waits()) session.say_opening();
    attempt_all(attempt, end);
    // Closed before the reply: clients may connect anew at once.
    auto socket = transfer->take_out();
    if (!end.result && command.stores && is_full(end.result.error())) end.unfinished = std::move(socket);
    return end;
}

// From here, for the client waits for it, and the event loop would be woken up first. What the client may ask
// for next is given back before.
void say_success(DataAttempt& attempt) {
    auto& [session, command, transfer, door, context, asker, timeout, place] = attempt;
    if (!transfer->sha256.empty()) command.success += " SHA256=" + transfer->sha256;
    transfer->set_over();
    place.no_longer_counts();
    session.reply(226, command.success);
}

}  // namespace

Result<AttemptEnd> perform(DataAttempt& attempt) {
    auto end = perform_all(attempt);
    if (end.result) say_success(attempt);
    return end;
}

}  // namespace stowage::ftps
