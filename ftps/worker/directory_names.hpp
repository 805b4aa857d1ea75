// The names in a directory, read one by one.
// Runs in: worker, on the file threads.
#pragma once

#include <dirent.h>

#include <memory>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

class DirectoryNames {
  public:
    /// Of the directory that `directory` is open for; with a position of its own. errno as the error of
    /// `path`.
    static Result<DirectoryNames> open(int directory, std::string_view path);

    /// The next entry but "." and "..", valid until the next call; null behind the last. Blocks.
    const dirent* next();
    void rewind() { ::rewinddir(stream_.get()); }

  private:
    struct Closer {
        void operator()(DIR* open) const { ::closedir(open); }
    };
    explicit DirectoryNames(DIR* stream) : stream_(stream) {}
    std::unique_ptr<DIR, Closer> stream_;
};

}  // namespace stowage::ftps
