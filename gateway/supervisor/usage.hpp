// What the labs hold, asked by their workers.
// Runs in: supervisor. Distrusts: workers: however often one asks, root looks once a second at most.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "gateway/supervisor/accounts.hpp"
#include "gateway/supervisor/context.hpp"

namespace stowage::supervisor {

/// One root_step (observe_quota) per lab at a time, begun at most once a second. It touches the lab's
/// filesystem: where that hangs, the one step hangs, and so does everybody who asks about this lab; nobody
/// else.
class UsageObserver {
  public:
    explicit UsageObserver(Context& context) : context_(context) {}

    /// An observation that begins after the call. Suspends until there is one, also in its failure.
    boost::asio::awaitable<message::LabUsage> observe(ServedLab lab);

  private:
    using Clock = std::chrono::steady_clock;
    struct Turn {
        explicit Turn(boost::asio::io_context& io) : ended(io, Clock::time_point::max()) {}
        bool under_way = false;
        Clock::time_point not_before{};
        boost::asio::steady_timer ended;  // never expires; cancelled when an observation has ended
    };
    Turn& turn_of(const std::string& lab);

    Context& context_;
    std::map<std::string, std::unique_ptr<Turn>, std::less<>> turns_;
};

}  // namespace stowage::supervisor
