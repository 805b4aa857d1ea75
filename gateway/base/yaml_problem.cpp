// What yaml-cpp throws, as errors.
// Runs in: supervisor, CLI.
#include "gateway/base/yaml_problem.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/exceptions.h>

namespace stowage {

Error yaml_problem(const std::string& path, const YAML::Exception& problem) {
    const auto line = problem.mark.line + 1;
    // yaml-cpp says "bad file" to it.
    if (const auto* deep = dynamic_cast<const YAML::DeepRecursion*>(&problem))
        return {Code::config,
                fmt::format("{}:{}: lists or maps lie in each other {} deep", path, line, deep->depth()),
                "remove brackets, dashes or indentation that nothing needs"};
    return {Code::config, fmt::format("{}:{}: this is not YAML: {}", path, line, problem.msg),
            "correct this line or the one before it"};
}

}  // namespace stowage
