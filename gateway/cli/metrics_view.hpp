// The gateway's state as metrics.
// Runs in: CLI. Distrusts: every field.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace stowage::cli {

/// What `status` tells, in the text format of Prometheus.
std::string metrics_text(const boost::json::object& status);

}  // namespace stowage::cli
