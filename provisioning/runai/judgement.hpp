// What to make of an answer: done, not done, or nobody knows.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include "provisioning/runai/caller.hpp"

namespace stowage::runai {

/// Of one exchange. 4xx are answers but for 408 and 429; anything else that is no 2xx may be tried again.
Attempt judged(const Call& call, Exchange& exchanged);

}  // namespace stowage::runai
