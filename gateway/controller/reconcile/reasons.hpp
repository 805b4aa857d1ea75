// Words by which the parts of the controller know again what another part of it has written.
// Runs in: controller.
#pragma once

#include <string_view>

namespace stowage::controller {

/// How the reason of a lab begins that is degraded only since Run:ai does not answer.
inline constexpr std::string_view waits_for_runai = "Run:ai cannot be reached: ";
/// In errors of calls that an open circuit did not send (provisioning/runai/circuit_breaker.cpp).
inline constexpr std::string_view runai_not_sent = ": not sent: ";
/// The key of a failure that is no single object's.
inline constexpr std::string_view whole_site = "site";

}  // namespace stowage::controller
