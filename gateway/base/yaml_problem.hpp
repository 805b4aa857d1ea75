// YAML files of one document, and why one cannot be read, in our words.
// Runs in: supervisor, CLI.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace YAML {
class Exception;
class Node;
}  // namespace YAML

namespace stowage {

/// Code::config with file, line, reason and what to do.
/// @param text of the file, in which a tab that is the reason is looked for
Error yaml_problem(const std::string& path, const YAML::Exception& problem, std::string_view text = {});

/// Code::config where a second document begins. Throws YAML::Exception.
/// @param root becomes the file's one document; a result cannot hold it, since everything converts to a Node
Result<void> load_yaml(const std::string& path, std::string_view text, YAML::Node& root);

}  // namespace stowage
