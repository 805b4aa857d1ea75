// What is wrong in Run:ai although nothing says so: the traps that an admin cannot see from the site file.
// Runs in: controller. Distrusts: what was observed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

struct Finding {
    enum class Severity { error, warning } severity = Severity::warning;
    std::string check;  ///< "order-of-priority", …
    std::string what, why, fix;
    bool is_ours = false;  ///< `doctor --fix` sets it right, by applying the site again
};

struct Examined {
    ObservedSite site;
    std::vector<runai::ObservedDataSource> data_sources;
    bool departments_on = true;
    std::vector<OwnedObject> owned;
    std::optional<std::chrono::seconds> clock_ahead = {};  ///< of Run:ai's clock before ours
};

/// Pure. Errors first.
std::vector<Finding> diagnose(const Examined& examined);

/// What differs from the site file that was applied last, one finding each, the last of which sums up where
/// there are many. @param told something of ours already: the same repair is for all of it
std::vector<Finding> not_as_applied(const std::vector<SiteItem>& items, bool told);

/// Run:ai could not be read: which trap that looks like.
Finding unreachable(const Error& error);

}  // namespace stowage::controller
