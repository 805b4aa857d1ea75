// A folder that is gone after the test.
// Runs in: unit tests.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace stowage::controller {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        char name[] = "/tmp/stowage-state-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace stowage::controller
