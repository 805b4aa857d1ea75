// Two batches: one is written by the caller while the other is asked about.
// Runs in: worker.
#include "ftps/worker/directory_stats.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <new>
#include <vector>

#include "ftps/worker/creation_time.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/own_threads.hpp"

namespace stowage::ftps {

namespace {

// The first lines are to leave at once, whatever the disk.
constexpr std::size_t first_batch = 64, full_batch = 1024;
constexpr unsigned most_helpers = 3;
constexpr std::size_t worth_helpers = 512;
// Names that a thread takes at a time.
constexpr std::size_t share = 32;

void ask(int directory, NamedStat& entry, bool dated) {
    entry.is_there = ::fstatat(directory, entry.name.c_str(), &entry.stat, AT_SYMLINK_NOFOLLOW) == 0;
    entry.link_target.clear();
    if (entry.is_there && S_ISLNK(entry.stat.st_mode))
        entry.link_target = LabFiles::link_target(directory, entry.name.c_str());
    if (!dated) return;
    entry.created = entry.is_there ? creation_time(directory, entry.name.c_str(), entry.stat) : std::nullopt;
}

}  // namespace

/// The entries are taken again and again: a name's memory is taken once.
struct DirectoryStats::Batch {
    std::vector<NamedStat> entries;
    std::size_t count = 0;
};

/// Lives as long as the last thread that asks: one that hangs in the filesystem holds nobody up but its
/// batch.
struct DirectoryStats::Shared {
    Fd directory;
    bool dated = false;
    std::array<Batch, 2> batches;

    std::mutex mutex;
    std::condition_variable wanted, answered;
    Batch* asked = nullptr;
    std::size_t taken = 0, done = 0;
    bool is_over = false, has_no_memory = false;

    void begin(Batch& batch) {
        const std::lock_guard hold(mutex);
        asked = &batch;
        taken = done = 0;
        if (batch.count > share) wanted.notify_all();
    }

    /// Asks about one share, with `hold` released meanwhile; false if all are taken.
    bool ask_some(std::unique_lock<std::mutex>& hold) {
        if (!asked || taken == asked->count) return false;
        auto& batch = *asked;
        const auto begin = taken, end = std::min(taken + share, batch.count);
        taken = end;
        hold.unlock();
        bool failed = false;
        try {
            for (auto at = begin; at < end; ++at)
                ask(directory.get(), batch.entries[at], dated);
        } catch (const std::bad_alloc&) {  // the target of a link: no helper may end the process
            failed = true;
        }
        hold.lock();
        has_no_memory = has_no_memory || failed;
        done += end - begin;
        if (done == batch.count) answered.notify_one();
        return true;
    }

    void help() {
        std::unique_lock hold(mutex);
        while (!is_over)
            if (!ask_some(hold)) wanted.wait(hold);
    }

    /// False if not everything could be told.
    bool finish() {
        std::unique_lock hold(mutex);
        while (ask_some(hold)) {
        }
        answered.wait(hold, [this] { return !asked || done == asked->count; });
        return !has_no_memory;
    }
};

DirectoryStats::DirectoryStats(DirectoryNames names, std::shared_ptr<Shared> shared, std::string path)
    : names_(std::move(names)), shared_(std::move(shared)), path_(std::move(path)) {}

DirectoryStats::~DirectoryStats() {
    if (!shared_ || !has_helpers_) return;
    const std::lock_guard hold(shared_->mutex);
    shared_->is_over = true;
    shared_->asked = nullptr;
    shared_->wanted.notify_all();
}

Result<DirectoryStats> DirectoryStats::of(Fd directory, const std::string& path, bool dated) {
    auto shared = std::make_shared<Shared>();
    shared->dated = dated;
    shared->directory = Fd(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
    if (!shared->directory) return file_error(errno, path);
    TRY(auto names, DirectoryNames::of(std::move(directory), path));
    return DirectoryStats(std::move(names), std::move(shared), path);
}

int DirectoryStats::descriptor() const {
    return shared_->directory.get();
}

void DirectoryStats::read(Batch& batch, std::size_t most) {
    batch.count = 0;
    while (!is_at_end_ && batch.count < most) {
        const auto* entry = names_.next();
        if (!entry) {
            if (names_.failed() != 0) failed_ = file_error(names_.failed(), path_);
            is_at_end_ = true;
            break;
        }
        if (batch.entries.size() == batch.count) batch.entries.emplace_back();
        batch.entries[batch.count++].name = entry->d_name;
    }
}

void DirectoryStats::call_helpers() {
    has_helpers_ = true;
    for (unsigned count = 0; count < most_helpers; ++count)
        if (!OwnThreads::of_process().run([shared = shared_] { shared->help(); })) return;
}

Result<std::span<NamedStat>> DirectoryStats::next() {
    auto& current = shared_->batches[current_];
    if (is_first_) {
        read(current, first_batch);
        shared_->begin(current);
        is_first_ = false;
    }
    // The caller is done with this one; its names are read while the helpers ask about the current.
    auto& following = shared_->batches[1 - current_];
    read(following, full_batch);
    if (!shared_->finish())
        return Error{Code::unavailable, path_ + ": the server has no memory left to list it",
                     "try again later"};
    if (current.count == 0 && failed_) return *failed_;
    current_ = 1 - current_;
    if (!has_helpers_ && following.count >= worth_helpers) call_helpers();
    shared_->begin(following);
    return std::span<NamedStat>(current.entries.data(), current.count);
}

}  // namespace stowage::ftps
