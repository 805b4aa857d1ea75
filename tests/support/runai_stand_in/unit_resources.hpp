// Quotas of departments and projects: one entry for each node pool of the cluster.
// Runs in: runai_stand_in, tests.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/runai_stand_in/store.hpp"

namespace stowage::stand_in {

/// Null where none names the pool.
const boost::json::object* resource_for(const boost::json::array& resources, std::string_view pool);

/// One entry for every pool of the cluster; those not named are as with a pool that nobody spoke of.
boost::json::array complete(const Store& store, std::string_view cluster, const boost::json::array& asked);

/// What is wrong with a body's "resources" and "defaultNodePools".
std::optional<std::string> pools_violation(const Store& store, std::string_view cluster,
                                           const boost::json::object& body);

}  // namespace stowage::stand_in
