// fallocate(2) ahead of the writing, ftruncate(2) behind it.
// Runs in: worker.
#include "ftps/worker/room_ahead.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

// Attributes and the map of a large file's blocks count as blocks too.
constexpr std::uint64_t other_bytes = 1 << 20;

/// ftruncate(2) to the size that a file has frees what lies behind it.
void cut_at_end(const Fd& file, off_t size) {
    if (::ftruncate(file.get(), size) != 0)
        log::warning("room_not_given_back",
                     {{"why", strerrordesc_np(errno)}, {"effect", "up to 16 MiB stay in use"}});
}

}  // namespace

RoomAhead::RoomAhead(const Fd& file, std::shared_ptr<const Fd> directory)
    : file_(file),
      directory_(std::move(directory)),
      end_(static_cast<std::uint64_t>(::lseek(file.get(), 0, SEEK_CUR))),
      next_(end_ + least_bytes) {}

void RoomAhead::wrote(std::size_t bytes) {
    end_ += bytes;
    if (end_ >= next_) take();
}

void RoomAhead::take() {
    next_ = end_ + least_bytes;
    struct statfs seen {};
    if (!directory_ || ::fstatfs(directory_->get(), &seen) != 0 || seen.f_type != EXT4_SUPER_MAGIC) return;
    const auto left = static_cast<std::uint64_t>(seen.f_bavail) * static_cast<std::uint64_t>(seen.f_bsize);
    const auto step = std::min({end_, left / share, most_bytes});
    if (step < least_bytes) return;
    took_ = true;
    const auto begin = static_cast<off_t>(end_), size = static_cast<off_t>(step);
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, begin, size) == 0)
        next_ = end_ + step;
    else
        give_back();  // at once: it may have taken the last that there was
}

void RoomAhead::give_back() {
    struct stat seen {};
    if (std::exchange(took_, false) && ::fstat(file_.get(), &seen) == 0) cut_at_end(file_, seen.st_size);
}

bool has_room_behind(const struct stat& file) {
    return static_cast<std::uint64_t>(file.st_blocks) * 512 >
           static_cast<std::uint64_t>(file.st_size) + other_bytes;
}

void give_back_room(const Fd& file, const struct stat& seen) {
    cut_at_end(file, seen.st_size);
    const std::array<timespec, 2> times{seen.st_atim, seen.st_mtim};
    (void)::futimens(file.get(), times.data());
}

}  // namespace stowage::ftps
