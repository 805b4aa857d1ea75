// What sessions are doing, and their end: the workers know.
// Runs in: supervisor. Distrusts: workers: one may tell of its own lab's sessions only, when asked, and may
// hang.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/supervisor/workers.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

struct Workers::Round {
    asio::steady_timer limit;
    std::map<std::uint64_t, std::string> missing = {};  // session to lab
    Answers answers = {};
};

asio::awaitable<Workers::Answers> Workers::what_they_do(std::vector<Asked> asked,
                                                        std::chrono::steady_clock::duration limit) {
    const auto id = ++last_round_;
    const auto round = std::make_shared<Round>(Round{asio::steady_timer(context_.io, limit)});
    rounds_[id] = round;
    for (auto& one : asked) {
        const auto found = workers_.find(one.lab);
        if (found == workers_.end() || !found->second->is_ready) continue;
        if (!found->second->process->channel().send(message::ActivityQuery{one.session}, {}, id)) continue;
        round->missing.emplace(one.session, std::move(one.lab));
    }
    while (!round->missing.empty() && std::chrono::steady_clock::now() < round->limit.expiry()) {
        boost::system::error_code ignored;
        co_await round->limit.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    rounds_.erase(id);
    co_return std::move(round->answers);
}

Result<void> Workers::take_activity(const Worker& worker, const ipc::Packet& packet) {
    TRY(const auto activity, packet.as<message::Activity>());
    const auto round = rounds_.find(packet.header.id);
    if (round == rounds_.end()) return {};  // too late
    auto& missing = round->second->missing;
    const auto asked = missing.find(activity.session);
    if (asked == missing.end() || asked->second != worker.lab.name)
        return Error{Code::protocol, "it told of a session that it was not asked about"};
    missing.erase(asked);
    round->second->answers[activity.session] = activity.doing;
    if (missing.empty()) round->second->limit.cancel();
    return {};
}

void Workers::end_session(const std::string& lab, std::uint64_t session) {
    const auto found = workers_.find(lab);
    if (found != workers_.end()) (void)found->second->process->channel().send(message::EndSession{session});
}

}  // namespace stowage::supervisor
