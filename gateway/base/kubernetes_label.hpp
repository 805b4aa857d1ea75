// Labels of Kubernetes' objects: what a key and a value may be.
// Runs in: controller, CLI. Distrusts: the text.
#pragma once

#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage {

/// Code::invalid naming the key or the value that Kubernetes would refuse.
Result<void> check_label(std::string_view key, std::string_view value);

}  // namespace stowage
