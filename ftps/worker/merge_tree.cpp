// Renames, noted down so that they can be taken back.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <cstdio>

#include <cerrno>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/open_beneath.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

class Merge {
  public:
    Merge(int from, int into) : from_(from), into_(into) {}

    Result<void> run(const std::atomic<bool>& aborted);
    void take_back();
    std::vector<std::string> moved() const;

  private:
    struct Step {
        std::string directory, name;
        bool exchanged = false;
    };
    struct Pair {
        Fd from, into;
    };

    Result<Pair> open(const std::string& directory) const;
    Result<void> merge(const std::string& directory, const std::atomic<bool>& aborted);
    Result<void> move(const Pair& pair, const std::string& directory, const std::string& name);
    Result<void> join_names(const Pair& pair, const std::string& directory, const std::string& name);

    const int from_, into_;
    std::vector<std::string> waiting_ = {""};  // directories that both sides have
    std::vector<Step> steps_;
};

std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

Result<Merge::Pair> Merge::open(const std::string& directory) const {
    Pair pair{open_without_links(from_, directory, O_RDONLY | O_DIRECTORY), {}};
    if (!pair.from) return file_error(errno, directory);
    pair.into = open_without_links(into_, directory, O_RDONLY | O_DIRECTORY);
    if (!pair.into) return file_error(errno, directory);
    return pair;
}

Result<void> Merge::run(const std::atomic<bool>& aborted) {
    while (!waiting_.empty()) {
        const auto directory = std::move(waiting_.back());
        waiting_.pop_back();
        CHECK(merge(directory, aborted));
    }
    return {};
}

Result<void> Merge::merge(const std::string& directory, const std::atomic<bool>& aborted) {
    TRY(const auto pair, open(directory));
    // All names first: what an exchange puts into `from` may come up once more while the directory is read.
    std::vector<std::string> found;
    TRY(auto names, DirectoryNames::open(pair.from.get(), directory));
    while (const auto* entry = names.next())
        found.emplace_back(entry->d_name);
    for (const auto& name : found) {
        if (aborted) return Error{Code::cancelled, "unpacking was aborted"};
        CHECK(move(pair, directory, name));
    }
    return {};
}

Result<void> Merge::move(const Pair& pair, const std::string& directory, const std::string& name) {
    if (::renameat2(pair.from.get(), name.c_str(), pair.into.get(), name.c_str(), RENAME_NOREPLACE) == 0) {
        steps_.push_back({directory, name, false});
        return {};
    }
    switch (errno) {
        case EEXIST:
            return join_names(pair, directory, name);
        case EINVAL:
        case ENOSYS:
            return Error{Code::unsupported, "this filesystem cannot add to a directory without replacing",
                         "unpack into a new directory"};
        default:
            return file_error(errno, below(directory, name));
    }
}

Result<void> Merge::join_names(const Pair& pair, const std::string& directory, const std::string& name) {
    struct stat ours {
    }, theirs{};
    if (::fstatat(pair.from.get(), name.c_str(), &ours, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fstatat(pair.into.get(), name.c_str(), &theirs, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error(errno, below(directory, name));
    const auto path = below(directory, name);
    if (S_ISDIR(ours.st_mode) && S_ISDIR(theirs.st_mode)) {
        waiting_.push_back(path);
        return {};
    }
    if (S_ISDIR(ours.st_mode) || S_ISDIR(theirs.st_mode))
        return Error{Code::exists,
                     path + (S_ISDIR(theirs.st_mode)
                                 ? ": a directory of this name is there, and a file in the archive"
                                 : ": a file of this name is there, and a directory in the archive"),
                     "remove it first, or unpack into another directory"};
    if (::renameat2(pair.from.get(), name.c_str(), pair.into.get(), name.c_str(), RENAME_EXCHANGE) != 0)
        return file_error(errno, path);
    steps_.push_back({directory, name, true});
    return {};
}

void Merge::take_back() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
        const auto pair = open(step->directory);
        const auto* name = step->name.c_str();
        const auto how = step->exchanged ? RENAME_EXCHANGE : RENAME_NOREPLACE;
        if (!pair || ::renameat2(pair->into.get(), name, pair->from.get(), name, how) != 0)
            log::error("unpacked_file_not_taken_back",
                       {{"path", below(step->directory, step->name)}, {"errno", errno}});
    }
}

std::vector<std::string> Merge::moved() const {
    std::vector<std::string> paths;
    for (const auto& step : steps_)
        paths.push_back(below(step.directory, step.name));
    return paths;
}

}  // namespace

Result<std::vector<std::string>> merge_tree(int from, int into, const std::atomic<bool>& aborted) {
    Merge merge(from, into);
    if (auto merged = merge.run(aborted); !merged) {
        merge.take_back();
        return merged.error();
    }
    return merge.moved();
}

}  // namespace stowage::ftps
