// Failures in a row, and the time after them.
// Runs in: controller.
#include "provisioning/runai/circuit_breaker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/log.hpp"

namespace stowage::runai {

std::optional<Error> CircuitBreaker::refusal(const std::string& call) {
    if (!open_until_) return std::nullopt;
    const auto left = *open_until_ - Clock::now();
    if (left <= Clock::duration::zero() && !probing_) {
        probing_ = true;
        return std::nullopt;
    }
    const auto seconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(left).count(), 1);
    return Error{Code::unavailable,
                 fmt::format("{}: not sent: Run:ai failed {} times in a row", call, failures_),
                 fmt::format("it is tried again in {} s", seconds)};
}

void CircuitBreaker::note_answer() {
    probing_ = false;
    failures_ = 0;
    if (open_until_) log::info("runai_circuit_closed", {});
    open_until_.reset();
}

void CircuitBreaker::note_failure(const Error& why) {
    probing_ = false;
    if (++failures_ < settings_.failures) return;
    if (!open_until_) log::warning("runai_circuit_open", {{"failures", failures_}, {"why", why.text()}});
    open_until_ = Clock::now() + settings_.open_for;
}

}  // namespace stowage::runai
