// Sums, and the walk that they go on from.
// Runs in: worker, on the file threads.
#include "ftps/worker/ledger.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ftps/worker/directory_names.hpp"

namespace stowage::ftps {

namespace {

constexpr std::string_view staging = "./.stowage/partials";

/// Adds unless that passes `limit` (0: none).
bool add_within(std::atomic<std::int64_t>& sum, std::int64_t more, std::uint64_t limit) {
    auto now = sum.load();
    for (;;) {
        const auto used = static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0));
        if (limit > 0 && (used >= limit || static_cast<std::uint64_t>(more) > limit - used)) return false;
        if (sum.compare_exchange_weak(now, now + more)) return true;
    }
}

/// A walk. Directories wait by their path below the root: the root is the lab's (chroot), so a link that
/// somebody puts there meanwhile leads to a wrong count at most.
class Walk {
  public:
    explicit Walk(const Fd& root) : root_(root) {}

    Result<void> run() {
        struct stat seen {};
        if (::fstatat(root_.get(), ".", &seen, 0) != 0)
            return system_error(errno, "the lab's root directory");
        device_ = seen.st_dev;
        // Partials last in, first out: what arrives in them later comes on top, and what is published during
        // the walk is known by its inode.
        waiting_ = {".", std::string(staging)};
        while (!waiting_.empty()) {
            const auto path = std::move(waiting_.back());
            waiting_.pop_back();
            look_into(path);
        }
        return {};
    }

    std::int64_t bytes = 0, names = 0;

  private:
    // What cannot be opened any more, or is not ours to read, is not counted.
    void look_into(const std::string& path) {
        Fd directory(::openat(root_.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        auto opened = DirectoryNames::of(std::move(directory), path);
        while (const auto* entry = opened ? opened->next() : nullptr)
            count(path, opened->descriptor(), entry->d_name);
    }

    void count(const std::string& path, int directory, const char* name) {
        struct stat seen {};
        if (::fstatat(directory, name, &seen, AT_SYMLINK_NOFOLLOW) != 0) return;
        if (seen.st_dev != device_) return;
        ++names;
        if (S_ISDIR(seen.st_mode)) {
            auto below = path + "/" + name;
            if (below != staging) waiting_.push_back(std::move(below));
        } else if (S_ISREG(seen.st_mode)) {
            const bool may_come_again = seen.st_nlink > 1 || path == staging;
            const bool known =
                may_come_again ? !known_.insert(seen.st_ino).second : known_.contains(seen.st_ino);
            if (!known) bytes += static_cast<std::int64_t>(Ledger::held(seen));
        }
    }

    const Fd& root_;
    dev_t device_ = 0;
    std::vector<std::string> waiting_;
    std::unordered_set<ino_t> known_;
};

}  // namespace

std::uint64_t Ledger::held(const struct stat& file) {
    const auto size = static_cast<std::uint64_t>(std::max<off_t>(file.st_size, 0));
    return std::min(size, static_cast<std::uint64_t>(file.st_blocks) * 512);
}

void Ledger::start(std::uint64_t limit_bytes, std::uint64_t limit_inodes) {
    limit_bytes_ = limit_bytes;
    limit_inodes_ = limit_inodes;
    on_ = true;
}

Result<void> Ledger::take(std::uint64_t bytes) {
    // Nothing fits a full lab too.
    if (!on_ || bytes == 0 || add_within(bytes_, static_cast<std::int64_t>(bytes), limit_bytes_)) return {};
    return Error{Code::over_quota, "the lab's limit is reached",
                 "delete something, or ask the administrator for more"};
}

Result<void> Ledger::take_name() {
    if (!on_ || add_within(names_, 1, limit_inodes_)) return {};
    return Error{Code::over_quota, "the lab has as many files as it may",
                 "delete something, or ask the administrator for more"};
}

void Ledger::give(std::uint64_t bytes) {
    if (on_) bytes_ -= static_cast<std::int64_t>(bytes);
}

void Ledger::give_name() {
    if (on_) --names_;
}

void Ledger::give_file(const struct stat& file) {
    give_name();
    if (S_ISREG(file.st_mode) && file.st_nlink <= 1) give(held(file));
}

Result<void> Ledger::walk(const Fd& root) {
    const auto began = Clock::now();
    const auto bytes_before = bytes_.load(), names_before = names_.load();
    Walk walk(root);
    CHECK(walk.run());
    bytes_ += walk.bytes - bytes_before;
    names_ += walk.names - names_before;
    walked_at_ = began;
    walk_took_ = Clock::now() - began;
    walked_ = true;
    return {};
}

std::optional<Ledger::Count> Ledger::count() const {
    if (!walked_) return {};
    const auto positive = [](std::int64_t sum) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
    };
    return Count{positive(bytes_), positive(names_)};
}

}  // namespace stowage::ftps
