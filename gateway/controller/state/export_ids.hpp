// Which NFS-Ganesha Export_Ids labs are given.
// Runs in: controller.
#pragma once

#include <cstdint>

namespace stowage::controller {

/// Below, people number exports of their own, which an NFS-Ganesha that is not ours has beside the labs'.
inline constexpr std::uint16_t min_export_id = 1001;
inline constexpr std::uint16_t max_export_id = 65535;

}  // namespace stowage::controller
