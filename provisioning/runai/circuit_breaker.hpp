// Leaves a control plane that fails alone for a while, so that nobody waits for its time limits.
// Runs in: controller.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "provisioning/runai/client.hpp"

namespace stowage::runai {

class CircuitBreaker {
  public:
    explicit CircuitBreaker(Circuit settings) : settings_(settings) {}

    /// Why the call of this name is not sent now; nothing when it is.
    std::optional<Error> refusal(const std::string& call);
    void note_answer();
    void note_failure(const Error& why);

  private:
    using Clock = std::chrono::steady_clock;

    Circuit settings_;
    unsigned failures_ = 0;  // in a row
    // While it is in the future nothing is sent; when it has passed, one call is let through.
    std::optional<Clock::time_point> open_until_;
    bool probing_ = false;
};

}  // namespace stowage::runai
