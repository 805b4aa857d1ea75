// Temporaries with names of their own, and renames.
// Runs in: CLI (as root).
#include "gateway/cli/staged_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "gateway/base/fd.hpp"

namespace stowage::cli {

namespace {

namespace fs = std::filesystem;

std::string beside(const std::string& path, const char* ending) {
    return (fs::path(path).parent_path() / ("." + fs::path(path).filename().string() + ending)).string();
}

Result<void> rename_to(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "rename " + from + " to " + to);
    return {};
}

Result<void> sync_folder_of(const std::string& path) {
    const auto folder = fs::path(path).parent_path().string();
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, "fsync " + folder);
    return {};
}

}  // namespace

StagedFiles::~StagedFiles() {
    for (const auto& file : files_)
        ::unlink(file.staged.c_str());
}

Result<void> StagedFiles::add(const std::string& path, std::string_view bytes, const FileOwner& owner) {
    // Not one of many names: what a killed run left is written over by the next.
    auto staged = beside(path, ".restored");
    const auto known = [&](const File& file) { return file.path == path; };
    if (std::any_of(files_.begin(), files_.end(), known))
        return Error{Code::differs, path + " is to be written twice", "name two files in the configuration"};
    CHECK(write_atomically(staged, bytes, owner));
    files_.push_back({std::move(staged), path});
    return {};
}

Result<void> StagedFiles::replace(const File& file) {
    std::vector<Companion> aside;  // where each of them is, and where it was
    auto done = Result<void>();
    for (const auto& [of, path] : companions_) {
        if (of != file.path || ::access(path.c_str(), F_OK) != 0) continue;
        aside.push_back({beside(path, ".replaced"), path});
        done = rename_to(path, aside.back().of);
        if (!done) break;
    }
    // The other way round a crash would leave the new file with what belongs to the old one.
    if (done && !aside.empty()) done = sync_folder_of(file.path);
    if (done) done = rename_to(file.staged, file.path);
    if (done) done = sync_folder_of(file.path);
    for (const auto& [now, before] : aside)
        done ? ::unlink(now.c_str()) : ::rename(now.c_str(), before.c_str());
    return done;
}

Result<void> StagedFiles::put() {
    for (const auto& file : files_)
        CHECK(replace(file));
    files_.clear();
    return {};
}

}  // namespace stowage::cli
