// Blocks for what an upload has not brought yet: ext4 writes into them for less than into blocks that it
// finds one by one. Runs in: worker, on the transfer threads.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// fallocate(2) behind the end of a file that grows; the file's size never shows it. Only on ext4: XFS takes
/// room ahead by itself, btrfs writes elsewhere whatever was taken, CephFS has none to take. An error is
/// nobody's: the upload goes on without.
class RoomAhead {
  public:
    /// Taken at once, at least and at most. Behind a file there is never more than it holds itself: small
    /// ones have none, and what a crash leaves behind a partial is of its own order.
    static constexpr std::uint64_t least_bytes = 4 << 20, most_bytes = 16 << 20;
    /// Of what the lab or its disk has left, one upload takes so small a part ahead: others find their room.
    static constexpr std::uint64_t share = 256;

    /// @param file positioned at its end, where the writing begins; outlives this
    /// @param directory the one it is in, whose statfs(2) shows what the lab has left (a quota's, if it has
    ///        one); null: takes nothing
    RoomAhead(const Fd& file, std::shared_ptr<const Fd> directory);
    RoomAhead(const RoomAhead&) = delete;
    RoomAhead& operator=(const RoomAhead&) = delete;
    /// Gives back what nothing was written to.
    ~RoomAhead() { give_back(); }

    /// After each write at the end of the file. May block on the filesystem as a write may.
    void wrote(std::size_t bytes);

  private:
    void take();
    void give_back();

    const Fd& file_;
    const std::shared_ptr<const Fd> directory_;
    std::uint64_t end_;   // of what is written
    std::uint64_t next_;  // where something is taken again, if there is room
    bool took_ = false;
};

/// Whether a crash left something behind the end of this file that is worth giving back.
bool has_room_behind(const struct stat& file);
/// Gives it back; the file's size and times stay. Without effect where that cannot be.
void give_back_room(const Fd& file, const struct stat& seen);

}  // namespace stowage::ftps
