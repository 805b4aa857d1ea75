// What a state database says of itself in its header: for who looks at one without opening it.
// Runs in: controller, CLI.
#pragma once

#include <cstdint>

namespace stowage {

/// "stow", so that another program's database is not taken for ours.
inline constexpr std::uint32_t state_application_id = 0x73746f77;
/// The user_version that this program writes.
inline constexpr std::uint32_t newest_state_schema = 8;

}  // namespace stowage
