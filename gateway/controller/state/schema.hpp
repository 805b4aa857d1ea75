// The tables, and how an older database becomes one of today.
// Runs in: controller.
#pragma once

#include "gateway/controller/state/sqlite.hpp"

namespace stowage::controller {

/// The user_version that this program writes.
int newest_schema();

/// Checks the file and brings it to newest_schema(), each version in a transaction of its own. Code::config
/// for a damaged file, one of a newer stowage, or one that is not ours.
Result<void> prepare_schema(sqlite::Database& database);

}  // namespace stowage::controller
