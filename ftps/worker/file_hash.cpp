// Reading ahead of the hash.
// Runs in: worker, on a thread per hash.
#include "ftps/worker/file_hash.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "ftps/worker/file_error.hpp"

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

}  // namespace

Result<std::string> hash_bytes(const Fd& file, HashAlgorithm algorithm, std::uint64_t begin,
                               std::uint64_t end, Transfer& progress) {
    TRY(auto digest, Digest::begin(algorithm));
    (void)::posix_fadvise(file.get(), static_cast<off_t>(begin), static_cast<off_t>(end - begin),
                          POSIX_FADV_SEQUENTIAL);
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    for (auto at = begin; at < end;) {
        if (progress.aborted) return Error{Code::cancelled, "the hash was aborted"};
        const auto wanted = std::min<std::uint64_t>(end - at, buffer_bytes);
        const auto got = ::pread(file.get(), buffer.get(), wanted, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error(errno, "reading");
        if (got == 0)
            return Error{Code::in_use, "the file became shorter while it was read", "try again later"};
        digest.update(buffer.get(), static_cast<std::size_t>(got));
        at += static_cast<std::uint64_t>(got);
        progress.bytes.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
    }
    return digest.finish();
}

}  // namespace stowage::ftps
