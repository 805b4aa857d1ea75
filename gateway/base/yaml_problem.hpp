// Why a YAML file cannot be read, in our words.
// Runs in: supervisor, CLI.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace YAML {
class Exception;
}

namespace stowage {

/// Code::config with file, line, reason and what to do.
Error yaml_problem(const std::string& path, const YAML::Exception& problem);

}  // namespace stowage
