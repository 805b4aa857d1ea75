// One row of the configuration table with its parser.
// Runs in: every process.
#pragma once

#include <functional>

#include "gateway/base/config.hpp"

namespace stowage {

struct ConfigRow {
    ConfigKey key;
    std::function<Result<void>(Config&, std::string_view)> set;
};

const std::vector<ConfigRow>& config_table();

}  // namespace stowage
