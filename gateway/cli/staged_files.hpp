// Several files that take the places of others together.
// Runs in: CLI (as root).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/result.hpp"

namespace stowage::cli {

/// All of them are on the disk, each beside its place, before the first is in it: a disk that is full, or
/// another error of writing, changes nothing. A power cut between the renames may leave some of them.
class StagedFiles {
  public:
    StagedFiles() = default;
    StagedFiles(const StagedFiles&) = delete;
    /// Removes what was not put in its place.
    ~StagedFiles();

    /// Writes it beside `path`, whose folder must be there and which is no link, and waits for the disk.
    /// Code::differs if it has that path already.
    Result<void> add(const std::string& path, std::string_view bytes, const FileOwner& owner);
    /// Has `path`, which belongs to `of`, go away together with what `of` is now. If `of` cannot be replaced
    /// it is put back.
    void take_away(const std::string& of, const std::string& path) { companions_.push_back({of, path}); }
    /// Renames all, in the order in which they were added.
    Result<void> put();

  private:
    struct File {
        std::string staged, path;
    };
    struct Companion {
        std::string of, path;
    };
    Result<void> replace(const File& file);
    std::vector<File> files_ = {};
    std::vector<Companion> companions_ = {};
};

}  // namespace stowage::cli
