// What a worker says about being idle, against what it was given.
// Runs in: supervisor. Distrusts: workers.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/base/result.hpp"

namespace stowage::supervisor {

/// A worker that is idle says so once for each number of sessions that it has begun. One that says it again,
/// or knows of more sessions than there were, wants to keep us busy.
class IdleClaims {
  public:
    /// @param claimed sessions that the worker has begun, as it says
    /// @param given sessions that were handed to it
    /// @return whether it may go; false while a session is on its way to it. Code::protocol for a lie.
    Result<bool> judge(std::uint64_t claimed, std::uint64_t given);

  private:
    std::optional<std::uint64_t> last_;
};

}  // namespace stowage::supervisor
