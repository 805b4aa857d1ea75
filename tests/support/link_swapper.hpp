// An NFS peer who is quicker than us: two names change places as fast as the kernel can.
// Runs in: tests only.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

namespace stowage::ftps {

/// Exchanges `one` and `other` until it goes; afterwards either may be at either place.
class LinkSwapper {
  public:
    LinkSwapper(std::string one, std::string other)
        : thread_([this, one = std::move(one), other = std::move(other)] {
              while (!over_)
                  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0)
                      ++swaps_;
          }) {}
    ~LinkSwapper() {
        over_ = true;
        thread_.join();
    }
    LinkSwapper(const LinkSwapper&) = delete;
    unsigned long swaps() const { return swaps_; }

  private:
    std::atomic<bool> over_{false};
    std::atomic<unsigned long> swaps_{0};
    std::thread thread_;
};

}  // namespace stowage::ftps
