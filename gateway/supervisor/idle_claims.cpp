// Idle packets, judged.
// Runs in: supervisor. Distrusts: workers.
#include "gateway/supervisor/idle_claims.hpp"

namespace stowage::supervisor {

Result<bool> IdleClaims::judge(std::uint64_t claimed, std::uint64_t given) {
    if (claimed > given) return Error{Code::protocol, "it has begun more sessions than it was given"};
    if (last_ && claimed <= *last_) return Error{Code::protocol, "it said before that it is idle"};
    last_ = claimed;
    return claimed == given;
}

}  // namespace stowage::supervisor
