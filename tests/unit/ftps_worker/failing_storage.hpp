// Storage that fails.
// Runs in: tests only.
#pragma once

#include <string>
#include <string_view>

namespace stowage::ftps {

/// While it lives, calls of this test program answer EIO.
class FailingStorage {
  public:
    /// How often each of them fails; the calls behind work again.
    struct Calls {
        int readdir = 0, fstatat = 0, fsync = 0, syncfs = 0;
    };
    /// @param ending of the path that a call is about, for fstatat(2) of the name; others work
    /// @param spared so many calls that would fail work first
    FailingStorage(std::string ending, Calls calls, int spared = 0);
    ~FailingStorage();
    FailingStorage(const FailingStorage&) = delete;
    FailingStorage& operator=(const FailingStorage&) = delete;

    const Calls& left() const { return left_; }
    bool fails(int descriptor, int Calls::*call);
    bool fails(std::string_view path, int Calls::*call);

  private:
    const std::string ending_;
    Calls left_;
    int spared_;
};

}  // namespace stowage::ftps
