// The names in a directory, read one by one.
// Runs in: worker, on the file threads.
#pragma once

#include <dirent.h>

#include <memory>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct DirectoryCloser {
    void operator()(DIR* open) const { ::closedir(open); }
};
using DirectoryStream = std::unique_ptr<DIR, DirectoryCloser>;

class DirectoryNames {
  public:
    /// Of the directory that `directory` is open for; with a position of its own. errno as the error of
    /// `path`.
    static Result<DirectoryNames> open(int directory, std::string_view path);
    /// Of `directory` itself, which was opened for reading: that takes no right to search in it.
    static Result<DirectoryNames> of(Fd directory, std::string_view path);

    /// The next entry but "." and "..", valid until the next call; null behind the last, and where no more
    /// can be read. Blocks.
    const dirent* next();
    /// Behind a null: 0, or the errno for which these are not all.
    int failed() const { return failed_; }
    void rewind() { ::rewinddir(stream_.get()); }
    int descriptor() const { return ::dirfd(stream_.get()); }

  private:
    explicit DirectoryNames(DIR* stream) : stream_(stream) {}
    DirectoryStream stream_;
    int failed_ = 0;
};

}  // namespace stowage::ftps
