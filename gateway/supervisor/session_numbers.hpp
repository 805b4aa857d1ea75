// Which numbers the front may give to its sessions.
// Runs in: supervisor. Distrusts: the front, which a client may have taken over.
#pragma once

#include <cstdint>

#include "gateway/base/result.hpp"

namespace stowage::supervisor {

/// The front numbers its connections one after the other, and a new front goes on where the last one ended:
/// workers may still have that one's sessions. Within a run logins come in any order, and again after a
/// refusal.
class SessionNumbers {
  public:
    /// More connections than a front could take in thirty years: one that was taken over cannot use the
    /// numbers up for those after it.
    static constexpr std::uint64_t most_of_a_run = std::uint64_t{1} << 40;

    void begin_run() { before_ = last_; }
    /// Code::protocol for one of an earlier run, and for one that cannot be reached by counting.
    Result<void> take(std::uint64_t number);
    /// The highest so far.
    std::uint64_t last() const { return last_; }

  private:
    std::uint64_t before_ = 0, last_ = 0;
};

}  // namespace stowage::supervisor
