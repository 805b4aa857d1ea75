// A directory's names with what lstat(2) says of each.
// Runs in: worker, on the file threads and on threads of its own. Distrusts: what peers do in the directory
// meanwhile.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ftps/worker/directory_names.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct NamedStat {
    std::string name;
    bool is_there = false;  ///< false: removed since its name was read
    struct stat stat {};
    std::string link_target = {};              ///< of a symbolic link
    std::optional<std::int64_t> created = {};  ///< creation_time(), where it was asked for
};

/// Nine tenths of a listing are waits for lstat(2): for the disk or the network where nothing is cached, for
/// the kernel else. So several threads ask, while the caller still writes what was answered before. Small
/// directories, and systems without another thread to give, are asked about by the caller alone.
class DirectoryStats {
  public:
    /// Of a directory opened for reading, from its beginning. errno as the error of `path`.
    /// @param dated with times of creation
    static Result<DirectoryStats> of(Fd directory, const std::string& path, bool dated = false);
    DirectoryStats(DirectoryStats&&) = default;
    ~DirectoryStats();

    int descriptor() const;
    /// Some more, in the order of the directory, without "." and ".."; empty behind the last. Valid until the
    /// next call, and the caller's to change. Blocks.
    Result<std::span<NamedStat>> next();

  private:
    struct Shared;
    struct Batch;

    DirectoryStats(DirectoryNames names, std::shared_ptr<Shared> shared, std::string path);
    void read(Batch& batch, std::size_t most);
    void call_helpers();

    DirectoryNames names_;
    std::shared_ptr<Shared> shared_;
    std::string path_;
    std::size_t current_ = 0;  ///< which batch next() gives
    std::optional<Error> failed_;
    bool is_first_ = true, is_at_end_ = false, has_helpers_ = false;
};

}  // namespace stowage::ftps
