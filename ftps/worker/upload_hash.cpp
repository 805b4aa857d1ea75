// The thread that follows a resumed upload.
// Runs in: worker, on the transfer threads.
#include "ftps/worker/upload_hash.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

}  // namespace

UploadHash::UploadHash(const Fd& file, std::uint64_t begins_at) : file_(file), readable_(begins_at) {
    struct stat there {};
    const bool is_new = ::fstat(file.get(), &there) == 0 && there.st_size == 0;
    if (auto digest = Digest::begin(HashAlgorithm::sha256)) digest_.emplace(std::move(*digest));
    if (is_new || !digest_) return;
    try {
        follower_ = std::thread([this] { follow(); });
    } catch (const std::exception&) {
        digest_.reset();  // no thread to be had, or no memory: the upload matters more than its hash
    }
}

UploadHash::~UploadHash() {
    if (!follower_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    changed_.notify_all();
    follower_.join();
}

void UploadHash::received(const char* bytes, std::size_t size) {
    if (!follower_.joinable()) {
        if (digest_) digest_->update(bytes, size);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        readable_ += size;
    }
    changed_.notify_all();
}

std::optional<std::string> UploadHash::finish(std::uint64_t size, std::chrono::steady_clock::duration limit) {
    if (!digest_) return {};
    if (!follower_.joinable()) return digest_->finish();
    std::unique_lock lock(mutex_);
    readable_ = size;
    last_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, limit, [this] { return ended_; });
    return result_;
}

bool UploadHash::read_up_to(std::uint64_t end, char* buffer) {
    while (hashed_ < end) {
        const auto wanted = std::min<std::uint64_t>(end - hashed_, buffer_bytes);
        const auto got = ::pread(file_.get(), buffer, wanted, static_cast<off_t>(hashed_));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        digest_->update(buffer, static_cast<std::size_t>(got));
        hashed_ += static_cast<std::uint64_t>(got);
        const std::lock_guard lock(mutex_);
        if (cancelled_) return false;
    }
    return true;
}

std::optional<std::string> UploadHash::hash_all() {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    bool good = true;
    std::unique_lock lock(mutex_);
    while (good && !cancelled_ && !(last_ && hashed_ == readable_)) {
        changed_.wait(lock, [this] { return cancelled_ || last_ || readable_ > hashed_; });
        const auto end = readable_;
        lock.unlock();
        good = read_up_to(end, buffer.get());
        lock.lock();
    }
    if (!good || cancelled_) return {};
    return digest_->finish();
}

void UploadHash::follow() {
    std::optional<std::string> result;
    try {
        result = hash_all();
    } catch (const std::bad_alloc&) {
        // Without a hash then: nobody catches what leaves a thread.
    }
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    ended_ = true;
    changed_.notify_all();
}

}  // namespace stowage::ftps
