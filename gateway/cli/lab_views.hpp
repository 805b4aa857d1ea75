// Labs and users as the control API describes them, in words.
// Runs in: CLI. Distrusts: every field.
#pragma once

#include <boost/json/fwd.hpp>

#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// One lab with its properties and users.
void print_lab(const Console& console, const boost::json::object& lab);
/// What was looked at when the lab was verified last, a line each.
void print_checks(const Console& console, const boost::json::object& lab);
/// A table of labs.
void print_labs(const Console& console, const boost::json::array& labs);
/// Names alone: one a line, or {"names":[…]}.
void print_names(const Console& console, const boost::json::array& named);
/// A table of users.
void print_users(const Console& console, const boost::json::array& users);
/// The colour of a lab's state word.
Colour colour_of_state(std::string_view state);

}  // namespace stowage::cli
