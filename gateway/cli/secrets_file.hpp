// A file for new passwords that is there before anything can fail.
// Runs in: CLI.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::cli {

/// Lines "USER LAB PASSWORD", readable by the caller only. Goes away with the object while it is empty.
class SecretsFile {
  public:
    /// Creates it, mode 0600; Code::exists when something is there: nothing is overwritten.
    static Result<SecretsFile> create(const std::string& path);

    SecretsFile(SecretsFile&& other) noexcept = default;
    SecretsFile& operator=(SecretsFile&&) = delete;
    ~SecretsFile();

    /// Appends a line and fsyncs it, before the password is sent anywhere. On failure the file is as it was
    /// before, or gone if nothing was in it.
    Result<void> add(std::string_view user, std::string_view lab, const Secret& password);
    /// Blots out the user's line, whose password came into no use; other lines are not touched.
    Result<void> forget(std::string_view user);
    /// Removes the file: none of its passwords came into use.
    void discard();

    const std::string& path() const { return path_; }

  private:
    SecretsFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    struct Line {
        std::string user;
        off_t begin = 0;
        std::size_t size = 0;
    };

    std::string path_;
    Fd fd_;
    std::vector<Line> lines_ = {};
};

}  // namespace stowage::cli
