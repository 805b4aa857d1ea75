// What a step of root_step may carry: checked by the supervisor before it starts one, and by root_step once
// more. Runs in: supervisor, root_step. Distrusts: the controller.
#pragma once

#include "gateway/base/config.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/base/result.hpp"

namespace stowage {

/// A step's fields: names, ranges, and that what the step does not use is empty. Code::protocol with the
/// reason.
Result<void> check_step(const message::StepRequest& m, const Config& config);

/// A lab's project id is its uid, or, where somebody else uses that one, so many times this above it: no two
/// labs share one, and it does not depend on the configuration.
inline constexpr std::uint32_t project_stride = 1 << 24;
bool is_project_of(std::uint32_t uid, std::uint32_t project_id);

/// "publish_export" …; "" for a number that is no step.
std::string_view name_of(message::Step step);

}  // namespace stowage
