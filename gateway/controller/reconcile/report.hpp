// Telling somebody how a run goes on.
// Runs in: controller.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "gateway/controller/plan/step.hpp"

namespace stowage::controller {

enum class Progress { start, done, failed, unchanged, retry };

std::string_view to_string(Progress progress);

struct StepReport {
    std::string lab, step, title;
    Progress state = Progress::start;
    std::int64_t ms = 0;
    std::string detail = {};
    std::optional<Error> error = {};
};

/// Called as things happen; does not block.
using Report = std::function<void(const StepReport&)>;

/// Writes what was done to the log; what is unchanged goes unsaid.
void log_report(const StepReport& report);

}  // namespace stowage::controller
