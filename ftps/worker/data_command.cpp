// The life of a data command.
// Runs in: worker.
#include "ftps/worker/data_command.hpp"

#include <fmt/format.h>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/data_attempt.hpp"
#include "ftps/worker/rest_of_upload.hpp"
#include "ftps/worker/room.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

using Clock = std::chrono::steady_clock;

// For what a client still sends of an upload that found no room: it hears the 552 in this time, or never.
constexpr std::chrono::seconds rest_limit{10};

// 425 until there was a connection, 522 without resumption, 426 when it broke, else the table's.
void refuse(Session& session, const AttemptEnd& ended) {
    const auto& error = ended.result.error();
    if (session.aborting)
        session.reply(426, "The transfer was aborted.");
    else if (ended.code != 0 || !ended.was_prepared)
        session.refuse(ended.code, error);
    else
        session.refuse(error.code == Code::protocol ? 426 : reply_code(error.code), error);
}

/// Everything up to the reply, on a thread of its own.
boost::asio::awaitable<AttemptEnd> attempt_in_thread(Session& session, std::shared_ptr<DataAttempt> attempt) {
    const auto context = session.worker.tls.context();
    if (!context) {
        AttemptEnd end;
        end.result = context.error();
        co_return end;
    }
    attempt->context = *context;
    auto work = [attempt] { return perform(*attempt); };
    auto end = co_await on_own_thread(std::move(work));
    if (end) co_return std::move(*end);
    (void)attempt->transfer->take_out();
    AttemptEnd failed;
    failed.result = end.error();
    failed.was_prepared = attempt->transfer->has_begun();
    co_return failed;
}

void log_transfer(const Session& session, const DataCommand& command, const AttemptEnd& ended,
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

TransferPlace::TransferPlace(Session& session) : session_(session), door_(session.data.use()) {
    ++session.worker.transfers;
}

void TransferPlace::give_back(bool used) {
    if (!door_) return;
    door_.reset();
    if (used)
        session_.data.reset();
    else
        session_.data.not_used();
    no_longer_counts();
}

void TransferPlace::no_longer_counts() {
    if (counts_.exchange(false)) --session_.worker.transfers;
}

std::unique_ptr<TransferPlace> take_place(Session& session) {
    const auto& ftps = session.worker.config.ftps;
    if (!session.prot_private)
        session.reply(521, "Data connections must be protected by TLS; send PBSZ 0 and PROT P first.");
    else if (!session.data.is_prepared())
        session.reply(425, "No data connection was prepared; send PASV or EPSV first.");
    else if (session.worker.transfers >= ftps.max_transfers_per_lab)
        session.reply(
            450, fmt::format("{} transfers of this lab are running, which is the limit; try again later.",
                             session.worker.transfers.load()));
    else
        return std::make_unique<TransferPlace>(session);
    return nullptr;
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

boost::asio::awaitable<void> run_data_command(Session& session, TransferPlace& place, DataCommand prepared) {
    const auto began = Clock::now();
    auto& worker = session.worker;
    const auto transfer = std::make_shared<Transfer>();
    LiveSessions::Asker asker;
    asker.nonce = session.nonce;
    asker.own_only = worker.config.ftps.same_control_connection;
    asker.given_up = &transfer->aborted;
    const auto attempt = std::make_shared<DataAttempt>(
        DataAttempt{session, std::move(prepared), transfer, place.door(), nullptr, asker,
                    std::chrono::milliseconds(worker.config.ftps.data_timeout), place});
    auto& command = attempt->command;
    session.transfer = transfer;
    session.transferring = true;
    session.aborting = false;
    session.room.notify();  // from here on everything is read: ABOR may be among it
    session.transfer_began = began;
    if (session.is_unwanted()) session.abort_transfer();

    auto ended = co_await attempt_in_thread(session, attempt);
    if (ended.was_prepared)
        attempt->door->shut();  // nobody came to it, perhaps; its port goes before the reply
    if (!command.path.empty()) session.path = command.path;
    session.say_opening();

    if (ended.was_prepared) log_transfer(session, command, ended, began);
    session.transfer.reset();
    session.transferring = false;
    place.give_back(ended.was_prepared);
    session.announced.running = 0;
    if (ended.result) {
        if (command.stores) session.refused_in_a_row = 0;
    } else if (ended.unfinished && !session.aborting) {
        co_await refuse_full(session, ended.result.error(), transfer->bytes);
        co_await throw_away_rest(worker.context.get_executor(), std::move(ended.unfinished), rest_limit);
    } else {
        refuse(session, ended);
    }
}

}  // namespace stowage::ftps
