// What becomes of an exception in a coroutine that nobody waits for.
// Runs in: controller.
#pragma once

#include <exception>

namespace stowage::controller {

/// Completion handler of co_spawn: lets it out of io_context::run(), so that a lost database ends the
/// process.
inline constexpr auto rethrow = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
};

}  // namespace stowage::controller
