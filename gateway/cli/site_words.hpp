// Values that several parts of a site file have: names, lists of them, switches, numbers, addresses.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/cli/site_node.hpp"

namespace stowage::cli {

/// Replaces every "{lab}".
std::string for_lab(std::string text, const std::string& lab);

/// In quotes, escaped, and cut where it is long.
std::string quoted(std::string_view text);

/// "did you mean X?", or nothing when none of them resembles the word.
std::string meant(std::string_view word, const std::vector<std::string_view>& known);

std::optional<double> number_in(std::string_view text);

// Each reads one node; what is wrong is added to `problems`.

std::optional<bool> read_flag(SiteProblems& problems, const YAML::Node& node, const std::string& where);
/// A name that Run:ai takes, "{lab}" in it or not.
std::optional<std::string> read_name(SiteProblems& problems, const YAML::Node& node,
                                     const std::string& where);
std::vector<std::string> read_names(SiteProblems& problems, const YAML::Node& node, const std::string& where);
/// "name@example.org", else a problem.
std::optional<std::string> read_email(SiteProblems& problems, const YAML::Node& node,
                                      const std::string& where);

}  // namespace stowage::cli
