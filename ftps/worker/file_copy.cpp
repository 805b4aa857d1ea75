// An unseen file that is filled from others, and published.
// Runs in: worker, on a thread per copy.
#include "ftps/worker/file_copy.hpp"

#include <algorithm>
#include <cerrno>

#include "ftps/worker/copy_range.hpp"
#include "ftps/worker/creation_time.hpp"
#include "ftps/worker/file_error.hpp"

namespace stowage::ftps {

namespace {

Result<Source> open_source(const Copying& copying, const std::string& path) {
    CHECK(copying.partials.check_complete(path));
    Source source{path, {}, {}};
    TRY(source.file, copying.files.open_for_reading(path));
    if (::fstat(source.file.get(), &source.seen) != 0) return file_error(errno, path);
    return source;
}

/// Who may not be renamed onto, and where nobody else may upload meanwhile.
Result<Partials::Claim> claim(const Copying& copying, const std::string& target) {
    CHECK(copying.partials.check(target, {}));
    return copying.partials.claim(target, copying.user);
}

// What stands at the path now may not be what was joined any more: then it is somebody's new file.
bool remove_part(const Copying& copying, const Source& part) {
    const auto now = copying.files.lstat(part.path);
    return now && same_content(*now, part.seen) && copying.files.remove_file(part.path);
}

/// append(), counted where no filesystem counts. What a failure leaves in the file is given back when that
/// goes.
Result<void> append_counted(const Copying& copying, const Source& source, const Fd& to,
                            const std::string& target, Transfer& progress) {
    auto& ledger = copying.files.ledger();
    const auto size = static_cast<std::uint64_t>(source.seen.st_size);
    struct stat before {
    }, after{};
    if (::fstat(to.get(), &before) != 0) return file_error(errno, target);
    CHECK(ledger.take(size));
    const auto copied = append(source, to, target, progress);
    if (copied || ::fstat(to.get(), &after) != 0) return copied;
    const auto arrived = Ledger::held(after) - std::min(Ledger::held(after), Ledger::held(before));
    ledger.give(size - std::min(size, arrived));
    return copied;
}

}  // namespace

Result<void> append(const Source& source, const Fd& to, const std::string& target, Transfer& progress) {
    const auto goes_on = [&progress](std::uint64_t bytes) {
        progress.bytes.fetch_add(bytes, std::memory_order_relaxed);
        return !progress.aborted;
    };
    const int failed = copy_range(source.file, to, static_cast<std::uint64_t>(source.seen.st_size), goes_on);
    if (progress.aborted) return Error{Code::cancelled, "the copy was aborted"};
    struct stat now {};
    const bool same = ::fstat(source.file.get(), &now) == 0 && same_content(now, source.seen);
    if (!same)
        return Error{Code::in_use, source.path + ": somebody wrote to it while it was copied",
                     "try again later"};
    if (failed != 0) return file_error(failed, target);
    return {};
}

Result<void> copy_file(const Copying& copying, const std::string& from, const std::string& to,
                       Transfer& progress) {
    if (from == to) return Error{Code::exists, to + ": this is the file itself", "choose another name"};
    TRY(const auto source, open_source(copying, from));
    TRY(const auto claimed, claim(copying, to));
    TRY(const auto file, copying.partials.open_unseen(claimed));
    struct stat hashed {
    }, written{}, published{};
    const auto sha256 = copying.hashes.recall(source.file, hashed);
    CHECK(append_counted(copying, source, file, to, progress));
    if (::fstat(file.get(), &written) != 0) return file_error(errno, to);
    CHECK(copying.partials.publish(claimed, file, copying.durability, source.seen.st_mode & 0777));
    // Of what was copied, and of the copy as it was made; from this last look on nobody changes it unnoticed.
    struct stat now {};
    if (sha256 && copying.durability == Durability::full && ::fstat(source.file.get(), &now) == 0 &&
        untouched(hashed, now) && ::fstat(file.get(), &published) == 0 && same_content(written, published))
        copying.hashes.remember(file, published, *sha256);
    return {};
}

Result<std::vector<std::string>> join_files(const Copying& copying, const std::string& target,
                                            const std::vector<std::string>& parts, Transfer& progress) {
    std::vector<Source> sources;
    std::vector<Partials::Claim> claims;
    const auto target_there = copying.files.lstat(target);
    TRY(const auto claimed, claim(copying, target));
    if (target_there) {
        TRY(auto first, open_source(copying, target));
        sources.push_back(std::move(first));
    }
    const auto kept = sources.size();
    for (const auto& path : parts) {
        TRY(auto source, open_source(copying, path));
        // Each once, by whatever name: a part that is two parts could be removed but once.
        for (const auto& other : sources)
            if (other.seen.st_dev == source.seen.st_dev && other.seen.st_ino == source.seen.st_ino)
                return Error{Code::usage, path + ": named twice, or the target itself",
                             "name each part once"};
        TRY(auto own, copying.partials.claim(path, copying.user));
        claims.push_back(std::move(own));
        sources.push_back(std::move(source));
    }
    TRY(const auto file, copying.partials.open_unseen(claimed));
    for (const auto& source : sources)
        CHECK(append_counted(copying, source, file, target, progress));
    if (kept > 0) keep_creation_time(sources.front().file, file);
    CHECK(copying.partials.publish(claimed, file, copying.durability));
    std::vector<std::string> left;
    for (auto part = sources.begin() + static_cast<std::ptrdiff_t>(kept); part != sources.end(); ++part)
        if (!remove_part(copying, *part)) left.push_back(part->path);
    return left;
}

}  // namespace stowage::ftps
