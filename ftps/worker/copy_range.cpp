// copy_file_range(2), which reflinks by itself, or reading and writing where it cannot.
// Runs in: worker, on the transfer threads.
#include "ftps/worker/copy_range.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace stowage::ftps {

namespace {

constexpr std::size_t step_bytes = 256 * 1024;
// From one system call to the next nothing can be stopped.
constexpr std::uint64_t least_step_bytes = 1024 * 1024, most_step_bytes = 1024 * 1024 * 1024;
constexpr std::chrono::milliseconds quick{50}, slow{200};

bool goes_on(const CopyProgress& progress, std::uint64_t bytes) {
    return !progress || progress(bytes);
}

int copy_by_hand(const Fd& from, const Fd& to, off_t at, std::uint64_t left, const CopyProgress& progress) {
    std::vector<char> buffer(step_bytes);
    while (left > 0) {
        const auto got = ::pread(from.get(), buffer.data(), std::min<std::uint64_t>(left, buffer.size()), at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? errno : EIO;
        for (ssize_t done = 0; done < got;) {
            const auto put = ::write(to.get(), buffer.data() + done, static_cast<std::size_t>(got - done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return errno;
            done += put;
        }
        at += got;
        left -= static_cast<std::uint64_t>(got);
        if (!goes_on(progress, static_cast<std::uint64_t>(got))) return ECANCELED;
    }
    return 0;
}

}  // namespace

void CopyStep::took(std::chrono::steady_clock::duration time) {
    if (time < quick) bytes_ = std::min(bytes_ * 2, most_step_bytes);
    // At the speed just seen the next one is quick again, however much slower the disk has become.
    if (time > slow) bytes_ = std::max<std::uint64_t>(bytes_ / static_cast<std::uint64_t>(time / quick), 1);
    bytes_ = std::max(bytes_, least_step_bytes);
}

int copy_range(const Fd& from, const Fd& to, std::uint64_t size, const CopyProgress& progress) {
    loff_t source = 0;
    std::uint64_t left = size;
    for (CopyStep step; left > 0;) {
        const auto began = std::chrono::steady_clock::now();
        const auto copied =
            ::copy_file_range(from.get(), &source, to.get(), nullptr, std::min(left, step.bytes()), 0);
        step.took(std::chrono::steady_clock::now() - began);
        if (copied < 0 && errno == EINTR) continue;
        const bool cannot =
            copied < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP);
        if (cannot) return copy_by_hand(from, to, source, left, progress);
        if (copied <= 0) return copied < 0 ? errno : EIO;
        left -= static_cast<std::uint64_t>(copied);
        if (!goes_on(progress, static_cast<std::uint64_t>(copied))) return ECANCELED;
    }
    return 0;
}

}  // namespace stowage::ftps
