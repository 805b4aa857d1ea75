// The beginning of one file as a further piece of another.
// Runs in: worker, on the transfer threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// Told how many bytes more are done, now and then; answers false to stop.
using CopyProgress = std::function<bool(std::uint64_t)>;

/// How much to copy in one system call: much where blocks are shared, which takes no time, and little on a
/// slow disk, so that an ABOR is answered soon.
class CopyStep {
  public:
    std::uint64_t bytes() const { return bytes_; }
    /// Tells how long that many took.
    void took(std::chrono::steady_clock::duration time);

  private:
    std::uint64_t bytes_ = 1024 * 1024;
};

/// Copies the first `size` bytes to where `to` is positioned, sharing blocks where the filesystem can (btrfs,
/// XFS), and leaves `to` positioned behind them. Blocks. Returns 0 or an errno; EIO if `from` is shorter,
/// ECANCELED if `progress` stopped it.
int copy_range(const Fd& from, const Fd& to, std::uint64_t size, const CopyProgress& progress = {});

}  // namespace stowage::ftps
