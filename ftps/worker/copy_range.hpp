// The beginning of one file as the beginning of another.
// Runs in: worker, on the transfer threads.
#pragma once

#include <cstdint>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// Copies the first `size` bytes, sharing blocks where the filesystem can (btrfs, XFS), and leaves `to`
/// positioned behind them. Blocks. Returns 0 or an errno; EIO if `from` is shorter.
int copy_range(const Fd& from, const Fd& to, std::uint64_t size);

}  // namespace stowage::ftps
