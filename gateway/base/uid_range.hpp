// Labs' uids against labs.uid_min..labs.uid_max.
// Runs in: controller, supervisor, CLI.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage {

/// Whether a lab that is there may keep its uid: Code::config when labs.uid_min..uid_max was moved away.
Result<void> check_uid_range(std::string_view lab, std::uint32_t uid, std::uint32_t uid_min,
                             std::uint32_t uid_max);

}  // namespace stowage
