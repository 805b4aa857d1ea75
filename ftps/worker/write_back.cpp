// sync_file_range(2): starts the writing of what is new, waits for what is old.
// Runs in: worker.
#include "ftps/worker/write_back.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ftps/worker/file_error.hpp"

namespace stowage::ftps {

namespace {

Result<void> sync_range(const Fd& file, off_t begin, off_t size, unsigned how) {
    if (::sync_file_range(file.get(), begin, size, how) == 0) return {};
    auto error = file_error(errno, "the upload");
    error.code = Code::io;
    return error;
}

}  // namespace

WriteBack::WriteBack(const Fd& file) : file_(file), first_(::lseek(file.get(), 0, SEEK_CUR)) {}

Result<void> WriteBack::wrote(std::size_t bytes) {
    written_ += bytes;
    if (written_ - started_ < step_bytes) return {};
    const auto begin = first_ + static_cast<off_t>(started_), size = static_cast<off_t>(written_ - started_);
    started_ = written_;
    CHECK(sync_range(file_, begin, size, SYNC_FILE_RANGE_WRITE));
    // These ranges follow one another just as the steps do, so that none is left out.
    const auto end = begin - static_cast<off_t>(step_bytes * steps_under_way) + size;
    if (end <= first_) return {};
    const auto old = std::max(end - size, first_);
    return sync_range(file_, old, end - old,
                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

}  // namespace stowage::ftps
