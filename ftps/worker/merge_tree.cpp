// Renames, noted down so that they can be taken back. Were it killed, the directories are the note: what is
// in `from` was not moved yet. Replacing a file takes several steps, each of which can be told from the
// others:
//   1. a link to the old file in `replaced`    `replaced` and `into` have the same file
//   2. the new one and the old one exchanged   `replaced` and `from` have the same file
//   3. that of `from` removed                  `from` has none
// and taking that back:
//   4. a link to the new file in `from`        `from` and `into` have the same file
//   5. the old one renamed into its place      as before 1
// Where no link can be made, a kill between two of them leaves one file for its successor to guess about.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <deque>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/merge_traces.hpp"
#include "ftps/worker/open_beneath.hpp"

namespace stowage::ftps {

namespace {

class Merge {
  public:
    explicit Merge(const MergeSides& sides) : sides_(sides) {}
    Merge(const MergeSides& sides, const KilledMerge& killed)
        : sides_(sides), killed_(std::in_place, sides.replaced, killed) {}

    Result<void> run(const std::atomic<bool>& aborted);
    /// Takes no memory, as long as all goes back.
    NotTakenBack take_back();
    void tell(const Moved& moved) const;
    FinishedMerge finished() const { return {steps_.size(), left_alone_, first_left_alone_}; }

  private:
    struct Step {
        std::uint32_t directory;  // of directories_: there may be millions of steps
        bool exchanged;
        std::string name;
    };
    struct Open {
        Fd from, into, replaced;
    };

    /// Without `replaced`, which may not have it. One of them is not open, with errno set, if it cannot be.
    Open open(const std::string& directory) const;
    Fd open_replaced(const std::string& directory) const;
    Fd make_replaced(const std::string& directory) const;
    Result<void> merge(std::uint32_t directory, const std::atomic<bool>& aborted);
    Result<void> move(Open& open, std::uint32_t directory, const std::string& name);
    Result<void> join_names(Open& open, std::uint32_t directory, const std::string& name);
    Result<void> replace(Open& open, std::uint32_t directory, const std::string& name);
    Result<void> leave_alone(const std::string& path);
    int rename_noted(const Open& open, std::uint32_t directory, const std::string& name, unsigned how);
    bool undo(const Step& step) const;
    std::string path(const Step& step) const;

    const MergeSides sides_;
    std::optional<MergeTraces> killed_;           // of one that this one finishes
    std::deque<std::string> directories_ = {""};  // that both sides have
    std::vector<std::uint32_t> waiting_ = {0};
    std::deque<Step> steps_;
    std::uint64_t left_alone_ = 0;
    std::string first_left_alone_;
};

std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

Merge::Open Merge::open(const std::string& directory) const {
    Open open{open_without_links(sides_.from, directory, O_RDONLY | O_DIRECTORY), {}, {}};
    if (open.from) open.into = open_without_links(sides_.into, directory, O_RDONLY | O_DIRECTORY);
    return open;
}

Fd Merge::open_replaced(const std::string& directory) const {
    return open_without_links(sides_.replaced, directory, O_RDONLY | O_DIRECTORY);
}

/// Without a value, errno tells why.
Fd Merge::make_replaced(const std::string& directory) const {
    auto there = open_replaced(directory);
    if (there || errno != ENOENT || directory.empty()) return there;
    const auto slash = directory.rfind('/');
    const bool is_top = slash == std::string::npos;
    const auto parent = make_replaced(is_top ? "" : directory.substr(0, slash));
    const auto name = is_top ? directory : directory.substr(slash + 1);
    if (!parent || (::mkdirat(parent.get(), name.c_str(), 0770) != 0 && errno != EEXIST)) return {};
    return open_replaced(directory);
}

std::string Merge::path(const Step& step) const {
    return below(directories_[step.directory], step.name);
}

Result<void> Merge::run(const std::atomic<bool>& aborted) {
    while (!waiting_.empty()) {
        const auto directory = waiting_.back();
        waiting_.pop_back();
        CHECK(merge(directory, aborted));
    }
    return {};
}

Result<void> Merge::merge(std::uint32_t directory, const std::atomic<bool>& aborted) {
    const auto& path = directories_[directory];
    auto both = open(path);
    if (!both.into) return file_error(errno, path);
    if (killed_) both.replaced = open_replaced(path);
    // All names first: what an exchange puts into `from` may come up once more while the directory is read.
    std::deque<std::string> found;
    TRY(auto names, DirectoryNames::open(both.from.get(), path));
    while (const auto* entry = names.next())
        found.emplace_back(entry->d_name);
    if (names.failed() != 0) return file_error(names.failed(), path);
    for (const auto& name : found) {
        if (aborted) return Error{Code::cancelled, "unpacking was aborted"};
        CHECK(move(both, directory, name));
    }
    return {};
}

/// 0 or an errno. Noted before it happens: there may be no memory to note it afterwards.
int Merge::rename_noted(const Open& open, std::uint32_t directory, const std::string& name, unsigned how) {
    steps_.push_back({directory, how == RENAME_EXCHANGE, name});
    if (::renameat2(open.from.get(), name.c_str(), open.into.get(), name.c_str(), how) == 0) return 0;
    const int failed = errno;
    steps_.pop_back();
    return failed;
}

Result<void> Merge::move(Open& open, std::uint32_t directory, const std::string& name) {
    const int failed = rename_noted(open, directory, name, RENAME_NOREPLACE);
    switch (failed) {
        case 0:
            return {};
        case EEXIST:
            return join_names(open, directory, name);
        case EINVAL:
        case ENOSYS:
            return Error{Code::unsupported, "this filesystem cannot add to a directory without replacing",
                         "unpack into a new directory"};
        default:
            return file_error(failed, below(directories_[directory], name));
    }
}

Result<void> Merge::join_names(Open& open, std::uint32_t directory, const std::string& name) {
    struct stat ours {
    }, theirs{};
    auto path = below(directories_[directory], name);
    if (::fstatat(open.from.get(), name.c_str(), &ours, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fstatat(open.into.get(), name.c_str(), &theirs, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error(errno, path);
    if (S_ISDIR(ours.st_mode) && S_ISDIR(theirs.st_mode)) {
        waiting_.push_back(static_cast<std::uint32_t>(directories_.size()));
        directories_.push_back(std::move(path));
        return {};
    }
    if (S_ISDIR(ours.st_mode) || S_ISDIR(theirs.st_mode)) {
        if (killed_) return leave_alone(path);
        return Error{Code::exists,
                     path + (S_ISDIR(theirs.st_mode)
                                 ? ": a directory of this name is there, and a file in the archive"
                                 : ": a file of this name is there, and a directory in the archive"),
                     "remove it first, or unpack into another directory"};
    }
    using Found = MergeTraces::Found;
    TRY(const auto found,
        killed_ ? killed_->look(open.replaced, name, ours, theirs) : Result<Found>(Found::old_one));
    if (found == Found::old_one && killed_) killed_->keep(theirs);
    if (found == Found::old_one) return replace(open, directory, name);
    return found == Found::new_one ? Result<void>() : leave_alone(path);
}

Result<void> Merge::leave_alone(const std::string& path) {
    if (left_alone_++ == 0) first_left_alone_ = path;
    return {};
}

/// Does without where that cannot be.
void link_old(int into, int replaced, const char* name) {
    if (::linkat(into, name, replaced, name, 0) == 0 || errno != EEXIST) return;
    // A killed merge has made one: of this file, or of what a peer has replaced since.
    struct stat old {
    }, there{};
    const bool differ = ::fstatat(into, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
                        ::fstatat(replaced, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !same_file(old, there);
    if (differ && ::unlinkat(replaced, name, 0) == 0) (void)!::linkat(into, name, replaced, name, 0);
}

Result<void> Merge::replace(Open& open, std::uint32_t directory, const std::string& name) {
    if (!open.replaced) open.replaced = make_replaced(directories_[directory]);
    if (!open.replaced) return file_error(errno, below(directories_[directory], name));
    const int from = open.from.get(), into = open.into.get(), replaced = open.replaced.get();
    link_old(into, replaced, name.c_str());
    if (const int failed = rename_noted(open, directory, name, RENAME_EXCHANGE); failed != 0) {
        (void)::unlinkat(replaced, name.c_str(), 0);
        return file_error(failed, below(directories_[directory], name));
    }
    // Does nothing where that is the linked one; else a peer was quicker, or it could not be linked.
    if (::renameat(from, name.c_str(), replaced, name.c_str()) != 0)
        return file_error(errno, below(directories_[directory], name));
    (void)::unlinkat(from, name.c_str(), 0);
    return {};
}

bool Merge::undo(const Step& step) const {
    const auto both = open(directories_[step.directory]);
    if (!both.into) return false;
    const int from = both.from.get(), into = both.into.get();
    const auto* name = step.name.c_str();
    if (!step.exchanged) return ::renameat2(into, name, from, name, RENAME_NOREPLACE) == 0;
    const auto replaced = open_replaced(directories_[step.directory]);
    if (!replaced) return false;
    if (::linkat(into, name, from, name, 0) != 0 && errno == ENOENT) return false;  // a peer removed it
    return ::renameat(replaced.get(), name, into, name) == 0;
}

NotTakenBack Merge::take_back() {
    NotTakenBack left;
    const Step* first = nullptr;
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
        if (undo(*step)) continue;
        ++left.names;
        left.replaced += step->exchanged;
        if (!first || (step->exchanged && !first->exchanged)) first = &*step;
    }
    if (first) left.first = path(*first);
    return left;
}

void Merge::tell(const Moved& moved) const {
    for (const auto& step : steps_)
        moved(path(step));
}

}  // namespace

bool is_before(const timespec& a, const timespec& b) {
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

Result<void> merge_tree(const MergeSides& sides, const std::atomic<bool>& aborted,
                        const std::function<void()>& turns, const Moved& moved, NotTakenBack& left) {
    Merge merge(sides);
    Result<void> merged;
    try {
        merged = merge.run(aborted);
    } catch (const std::bad_alloc&) {
        merged = Error{Code::unavailable, "too many files to merge for the memory that is left",
                       "unpack into a new directory, or try again later"};
    }
    if (!merged) {
        turns();
        left = merge.take_back();
        return merged;
    }
    try {
        merge.tell(moved);
    } catch (const std::bad_alloc&) {  // it is done nevertheless
    }
    return merged;
}

Result<FinishedMerge> finish_merge(const MergeSides& sides, const KilledMerge& killed) {
    static const std::atomic<bool> never{false};
    try {
        Merge merge(sides, killed);
        CHECK(merge.run(never));
        return merge.finished();
    } catch (const std::bad_alloc&) {
        return Error{Code::unavailable, "too many files to merge for the memory that is left",
                     "it is tried again within the hour"};
    }
}

}  // namespace stowage::ftps
