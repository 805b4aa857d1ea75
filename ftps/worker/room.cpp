// Announcements of all sessions, and the count of refusals.
// Runs in: worker.
#include "ftps/worker/room.hpp"

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr std::chrono::seconds fresh_enough{30};
constexpr unsigned most_refusals_in_a_row = 3;

/// So much room that numbers of half a minute ago will do.
bool is_plenty(const Usage& usage, std::uint64_t bytes) {
    if (!check_room(usage, bytes, 0)) return false;
    const auto left = bytes_left(usage);
    return bytes == 0 || !left || bytes <= *left / 10;
}

}  // namespace

std::uint64_t announced_by_others(const Session& session) {
    std::uint64_t sum = 0;
    for (const auto& [number, other] : session.worker.sessions) {
        if (other == &session || other->leaving) continue;
        auto announced = other->announced;
        if (other->transfer) announced.arrived = other->transfer->bytes;
        if (other->transfer && other->transfer->is_over()) announced.running = 0;
        sum += std::min(announced.to_come(), UINT64_MAX - sum);
    }
    return sum;
}

boost::asio::awaitable<Result<void>> find_room(Session& session, std::uint64_t bytes) {
    auto& usage = session.worker.usage;
    usage.refresh_when_older(fresh_enough);
    const auto others = announced_by_others(session);
    if (is_plenty(usage.latest(), bytes > 0 ? bytes + std::min(others, UINT64_MAX - bytes) : 0))
        co_return Result<void>();
    const auto now = co_await usage.exact();
    // Not the sum from before: others may have announced something while we waited.
    co_return check_room(now, bytes, announced_by_others(session));
}

void refuse_full(Session& session, const Error& error) {
    session.tell(reply_code(error.code), error);
    if (++session.refused_in_a_row < most_refusals_in_a_row) return;
    log::notice("session_refused_room", {{"user", session.user}, {"refusals", session.refused_in_a_row}});
    session.reply(
        421,
        "Three uploads in a row found no room, so this session ends. Make room or ask the administrator for "
        "a higher limit, then connect again.");
    session.leaving = true;
}

boost::asio::awaitable<void> refuse_full(Session& session, Error error, std::uint64_t grown) {
    const auto usage = co_await session.worker.usage.exact();
    refuse_full(session, explained(std::move(error), usage, grown));
}

}  // namespace stowage::ftps
