// Renames, noted down so that they can be taken back.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <cstdio>

#include <cerrno>
#include <deque>
#include <new>
#include <vector>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/open_beneath.hpp"

namespace stowage::ftps {

namespace {

class Merge {
  public:
    Merge(int from, int into) : from_(from), into_(into) {}

    Result<void> run(const std::atomic<bool>& aborted);
    /// Takes no memory, as long as all goes back.
    NotTakenBack take_back();
    void tell(const std::function<void(const std::string&)>& moved) const;

  private:
    struct Step {
        std::uint32_t directory;  // of directories_: there may be millions of steps
        bool exchanged;
        std::string name;
    };
    struct Pair {
        Fd from, into;
    };

    /// One of them is not open, with errno set, if it cannot be.
    Pair open(const std::string& directory) const;
    Result<void> merge(std::uint32_t directory, const std::atomic<bool>& aborted);
    Result<void> move(const Pair& pair, std::uint32_t directory, const std::string& name);
    Result<void> join_names(const Pair& pair, std::uint32_t directory, const std::string& name);
    int rename_noted(const Pair& pair, std::uint32_t directory, const std::string& name, unsigned how);
    bool undo(const Step& step) const;
    std::string path(const Step& step) const;

    const int from_, into_;
    std::deque<std::string> directories_ = {""};  // that both sides have
    std::vector<std::uint32_t> waiting_ = {0};
    std::deque<Step> steps_;
};

std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

Merge::Pair Merge::open(const std::string& directory) const {
    Pair pair{open_without_links(from_, directory, O_RDONLY | O_DIRECTORY), {}};
    if (pair.from) pair.into = open_without_links(into_, directory, O_RDONLY | O_DIRECTORY);
    return pair;
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
    const auto pair = open(path);
    if (!pair.into) return file_error(errno, path);
    // All names first: what an exchange puts into `from` may come up once more while the directory is read.
    std::deque<std::string> found;
    TRY(auto names, DirectoryNames::open(pair.from.get(), path));
    while (const auto* entry = names.next())
        found.emplace_back(entry->d_name);
    for (const auto& name : found) {
        if (aborted) return Error{Code::cancelled, "unpacking was aborted"};
        CHECK(move(pair, directory, name));
    }
    return {};
}

/// 0 or an errno. Noted before it happens: there may be no memory to note it afterwards.
int Merge::rename_noted(const Pair& pair, std::uint32_t directory, const std::string& name, unsigned how) {
    steps_.push_back({directory, how == RENAME_EXCHANGE, name});
    if (::renameat2(pair.from.get(), name.c_str(), pair.into.get(), name.c_str(), how) == 0) return 0;
    const int failed = errno;
    steps_.pop_back();
    return failed;
}

Result<void> Merge::move(const Pair& pair, std::uint32_t directory, const std::string& name) {
    const int failed = rename_noted(pair, directory, name, RENAME_NOREPLACE);
    switch (failed) {
        case 0:
            return {};
        case EEXIST:
            return join_names(pair, directory, name);
        case EINVAL:
        case ENOSYS:
            return Error{Code::unsupported, "this filesystem cannot add to a directory without replacing",
                         "unpack into a new directory"};
        default:
            return file_error(failed, below(directories_[directory], name));
    }
}

Result<void> Merge::join_names(const Pair& pair, std::uint32_t directory, const std::string& name) {
    struct stat ours {
    }, theirs{};
    auto path = below(directories_[directory], name);
    if (::fstatat(pair.from.get(), name.c_str(), &ours, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fstatat(pair.into.get(), name.c_str(), &theirs, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error(errno, path);
    if (S_ISDIR(ours.st_mode) && S_ISDIR(theirs.st_mode)) {
        waiting_.push_back(static_cast<std::uint32_t>(directories_.size()));
        directories_.push_back(std::move(path));
        return {};
    }
    if (S_ISDIR(ours.st_mode) || S_ISDIR(theirs.st_mode))
        return Error{Code::exists,
                     path + (S_ISDIR(theirs.st_mode)
                                 ? ": a directory of this name is there, and a file in the archive"
                                 : ": a file of this name is there, and a directory in the archive"),
                     "remove it first, or unpack into another directory"};
    if (const int failed = rename_noted(pair, directory, name, RENAME_EXCHANGE); failed != 0)
        return file_error(failed, path);
    return {};
}

bool Merge::undo(const Step& step) const {
    const auto pair = open(directories_[step.directory]);
    const auto how = step.exchanged ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    return pair.into &&
           ::renameat2(pair.into.get(), step.name.c_str(), pair.from.get(), step.name.c_str(), how) == 0;
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

void Merge::tell(const std::function<void(const std::string&)>& moved) const {
    for (const auto& step : steps_)
        moved(path(step));
}

}  // namespace

Result<void> merge_tree(int from, int into, const std::atomic<bool>& aborted,
                        const std::function<void(const std::string&)>& moved, NotTakenBack& left) {
    Merge merge(from, into);
    Result<void> merged;
    try {
        merged = merge.run(aborted);
    } catch (const std::bad_alloc&) {
        merged = Error{Code::unavailable, "too many files to merge for the memory that is left",
                       "unpack into a new directory, or try again later"};
    }
    if (!merged) {
        left = merge.take_back();
        return merged;
    }
    try {
        merge.tell(moved);
    } catch (const std::bad_alloc&) {  // it is done nevertheless
    }
    return merged;
}

}  // namespace stowage::ftps
