// What the lab holds, where no filesystem counts it (quota backend none): a walk now and then, and everything
// that FTPS adds and takes away in between. Runs in: worker. Distrusts: what peers do over NFS: only a walk
// sees it.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Any thread. Files count with their size, or less if they have holes; names with one each. Off until
/// start(): then each call costs an atomic read.
class Ledger {
  public:
    using Clock = std::chrono::steady_clock;
    struct Count {
        std::uint64_t bytes = 0, inodes = 0;
    };

    /// Limits of 0: none. Until a walk has ended only what FTPS adds counts.
    void start(std::uint64_t limit_bytes, std::uint64_t limit_inodes);
    void stop() { on_ = false; }
    bool is_on() const { return on_; }

    /// Before `bytes` are written: Code::over_quota when the lab would hold more than it may; then nothing is
    /// counted.
    Result<void> take(std::uint64_t bytes);
    /// Before a name is made.
    Result<void> take_name();
    void give(std::uint64_t bytes);
    void give_name();
    /// A name of this file goes: with the last one its bytes go too.
    void give_file(const struct stat& file);

    /// Counts everything below `root` on its filesystem, and goes on from there. Blocks: minutes for many
    /// millions of files. One walk at a time.
    Result<void> walk(const Fd& root);
    /// Empty before the first walk has ended.
    std::optional<Count> count() const;
    Clock::time_point walked_at() const { return walked_at_; }
    Clock::duration walk_took() const { return walk_took_; }

    static std::uint64_t held(const struct stat& file);

  private:
    std::atomic<bool> on_{false}, walked_{false};
    std::atomic<std::uint64_t> limit_bytes_{0}, limit_inodes_{0};
    // Signed: what was never counted may go.
    std::atomic<std::int64_t> bytes_{0}, names_{0};
    std::atomic<Clock::time_point> walked_at_{};
    std::atomic<Clock::duration> walk_took_{};
};

}  // namespace stowage::ftps
