// What nobody asks for any more, and stowage never deletes.
// Runs in: controller. Distrusts: what was observed.
#pragma once

#include <string>
#include <vector>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

/// Titles of what we made, the site does not name, and plan_prune() leaves: departments, projects, node
/// pools.
std::vector<std::string> left_to_others(const WantedSite& wanted, const ObservedSite& observed,
                                        const std::vector<OwnedObject>& owned);

}  // namespace stowage::controller
