// What is received goes to the disk while more arrives, and never lags far behind.
// Runs in: worker, on the transfer threads.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <cstdint>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Bounds the fsync behind the last byte: FileZilla, for one, gives up when 226 takes 20 s (pure-ftpd#70).
class WriteBack {
  public:
    /// Written back in steps of this, of which so many may be under way.
    static constexpr std::uint64_t step_bytes = 16 << 20, steps_under_way = 4;

    /// @param file positioned where the writing begins; outlives this
    explicit WriteBack(const Fd& file);
    /// After each write. Blocks when the disk is step_bytes * steps_under_way behind, which slows the sender
    /// down. Code::io, whatever is the reason, when something of the file was lost: the kernel says so once
    /// per descriptor, and an fsync(2) that follows would know nothing of it.
    Result<void> wrote(std::size_t bytes);

  private:
    const Fd& file_;
    const off_t first_;
    std::uint64_t written_ = 0, started_ = 0;
};

}  // namespace stowage::ftps
