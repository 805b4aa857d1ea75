// A filesystem that answers nobody, as one whose servers are gone.
// Runs in: system tests of nfs, as root, in a mount namespace of their own.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"

namespace stowage::nfs::testing {

/// Empty, or why this process has no mount namespace of its own; for the whole process, once.
std::string enter_own_mounts();

/// Mounted on a directory while it lives. With the end of it whoever waits gets an error.
class SilentFilesystem {
  public:
    explicit SilentFilesystem(std::string path);
    ~SilentFilesystem();
    SilentFilesystem(const SilentFilesystem&) = delete;

    /// Empty, or why there is none.
    const std::string& why_not() const { return why_not_; }

  private:
    std::string path_, why_not_;
    Fd device_;
};

}  // namespace stowage::nfs::testing
