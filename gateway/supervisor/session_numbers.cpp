// Which numbers the front may give to its sessions.
// Runs in: supervisor. Distrusts: the front.
#include "gateway/supervisor/session_numbers.hpp"

#include <algorithm>

namespace stowage::supervisor {

Result<void> SessionNumbers::take(std::uint64_t number) {
    if (number <= before_) return Error{Code::protocol, "login request: a session of an earlier front"};
    if (number - before_ > most_of_a_run)
        return Error{Code::protocol, "login request: a session number that cannot have been reached"};
    last_ = std::max(last_, number);
    return {};
}

}  // namespace stowage::supervisor
