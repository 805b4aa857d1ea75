// Node pools that a site speaks of and that are nowhere.
// Runs in: controller. Distrusts: the site, what was observed.
#pragma once

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

/// Node pools that the site gives GPUs of, and that neither the site makes nor Run:ai has.
std::vector<std::string> unknown_pools(const WantedSite& wanted, const ObservedSite& observed);

}  // namespace stowage::controller
