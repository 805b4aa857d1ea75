// Node pools that a site file gives GPUs of, and those that Run:ai has.
// Runs in: CLI. Distrusts: the answer's shape.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "gateway/cli/site_file.hpp"

namespace stowage::cli {

/// Code::config with the lines of those that plan's answer calls unknown: a quota of a pool that is not there
/// leaves a lab without GPUs. @param file where the site stands
Result<void> check_pools(const Site& site, const std::string& file, const boost::json::object& plan);

}  // namespace stowage::cli
