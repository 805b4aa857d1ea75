// What plan found, in words.
// Runs in: CLI. Distrusts: every field.
#pragma once

#include <boost/json/fwd.hpp>

#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// Objects of Run:ai that are not as the file says, each with its fields side by side; then steps of labs.
void print_plan(const Console& console, const boost::json::object& plan);

}  // namespace stowage::cli
