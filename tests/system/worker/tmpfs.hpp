// A filesystem of a certain size for a lab, without a disk. Runs in: tests only (root).
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace stowage::ftps::rig {

/// Mounted as long as the object lives, which is longer than what uses it.
class Tmpfs {
  public:
    /// @param options as in tmpfs(5): "size=4m"
    explicit Tmpfs(const std::string& options) {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
        mounted_ = ::mount("none", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    }
    ~Tmpfs() {
        if (mounted_) ::umount(path_.c_str());
        ::rmdir(path_.c_str());
    }
    Tmpfs(const Tmpfs&) = delete;
    Tmpfs& operator=(const Tmpfs&) = delete;
    bool mounted() const { return mounted_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_ = "/var/tmp/stowage-tmpfs.XXXXXX";
    bool mounted_ = false;
};

}  // namespace stowage::ftps::rig
