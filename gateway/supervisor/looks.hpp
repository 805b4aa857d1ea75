// Looks at labs: many by one root_step.
// Runs in: supervisor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <memory>

#include "gateway/base/messages/steps.hpp"
#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// observe_lab, for the controller. A process whose look is done takes the next one that waits, so that two
/// hundred labs do not cost two hundred processes; it ends as soon as nobody waits. A look that does not end
/// holds up the others for a moment only: then the next one gets a process of its own.
class Looks {
  public:
    /// How long nothing may come to an end before another process is started.
    static constexpr std::chrono::milliseconds patience{300};

    explicit Looks(const Context& context) : context_(context) {}

    /// As run_step().
    boost::asio::awaitable<message::StepReply> look(message::StepRequest request);

  private:
    using Clock = std::chrono::steady_clock;
    struct Looker {
        std::unique_ptr<Process> process = {};
        bool is_fresh = true;  ///< it was asked nothing yet
    };
    struct Waiting;

    boost::asio::awaitable<Result<message::StepReply>> ask(const message::StepRequest& request);
    boost::asio::awaitable<Result<Looker>> take();
    void give_back(Looker looker);
    void note_gone();

    const Context& context_;
    std::deque<std::shared_ptr<Waiting>> line_ = {};
    unsigned at_work_ = 0;
    Clock::time_point last_progress_ = {};
};

}  // namespace stowage::supervisor
