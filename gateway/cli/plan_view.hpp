// What plan found, in words.
// Runs in: CLI. Distrusts: every field.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>

#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// What of a plan is pending, and for whom.
struct PlanCount {
    std::uint64_t changes = 0;   ///< that apply makes
    std::uint64_t blocked = 0;   ///< differences that it tells and leaves
    bool runai_unknown = false;  ///< Run:ai could not be read
};
PlanCount count_pending(const boost::json::object& plan);

/// Objects of Run:ai that are not as the file says, each with its fields side by side; then steps of labs.
void print_plan(const Console& console, const boost::json::object& plan);

}  // namespace stowage::cli
