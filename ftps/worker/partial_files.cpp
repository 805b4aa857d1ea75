// The files of partials in the staging directory, and what the ledger hears of them.
// Runs in: worker, on the file threads. Distrusts: what peers do to the directory over NFS.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/partials.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

Result<Fd> open_in(const Fd& directory, const std::string& file, int flags, const std::string& path) {
    Fd fd(::openat(directory.get(), file.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd) return file_error(errno, path);
    return fd;
}

}  // namespace

Result<std::shared_ptr<const Fd>> Partials::staging() {
    struct stat seen {};
    // A peer may remove the directory over NFS: uploads then go on in a new one.
    if (staging_ && ::fstat(staging_->get(), &seen) == 0 && seen.st_nlink > 0) return staging_;
    TRY(auto opened, files_.open_staging());
    staging_ = std::make_shared<const Fd>(std::move(opened));
    return staging_;
}

Result<Fd> Partials::open_staged(const std::string& file, int flags, const std::string& path) {
    TRY(const auto directory, staging());
    return open_in(*directory, file, flags, path);
}

Result<Fd> Partials::make_staged(const Fd& directory, const std::string& file, const std::string& path) {
    CHECK(ledger().take_name());
    auto fd = open_in(directory, file, O_RDWR | O_CREAT | O_EXCL, path);
    if (!fd) ledger().give_name();
    return fd;
}

bool Partials::cut(const std::string& file, const std::string& path, std::uint64_t size) {
    const auto fd = open_staged(file, O_WRONLY, path);
    struct stat seen {};
    if (!fd || ::fstat(fd->get(), &seen) != 0) return false;
    if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0) {
        log::info("partial_not_truncated", {{"path", path}, {"why", strerrordesc_np(errno)}});
        return false;
    }
    ledger().give(Ledger::held(seen) - std::min(Ledger::held(seen), size));
    return true;
}

void Partials::unlink(const std::string& file) {
    const auto directory = staging();
    struct stat seen {};
    const bool counts = directory && ledger().is_on() &&
                        ::fstatat((*directory)->get(), file.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
    if (!directory || ::unlinkat((*directory)->get(), file.c_str(), 0) == 0 || errno == ENOENT) {
        if (counts) ledger().give_file(seen);
        return;
    }
    log::warning("partial_not_removed", {{"file", file}, {"why", strerrordesc_np(errno)}});
}

}  // namespace stowage::ftps
