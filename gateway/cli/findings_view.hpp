// What doctor found, in words.
// Runs in: CLI. Distrusts: every field.
#pragma once

#include <boost/json/fwd.hpp>

#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// Each finding with why it matters and what fixes it, and how many there are.
void print_findings(const Console& console, const boost::json::array& findings);

}  // namespace stowage::cli
