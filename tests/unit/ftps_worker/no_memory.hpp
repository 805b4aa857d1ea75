// Threads that get no memory.
// Runs in: tests only.
#pragma once

namespace stowage::ftps {

/// While it lives, `new` throws in all threads but the one that made it.
class NoMemoryForOthers {
  public:
    NoMemoryForOthers();
    ~NoMemoryForOthers();
    NoMemoryForOthers(const NoMemoryForOthers&) = delete;
    NoMemoryForOthers& operator=(const NoMemoryForOthers&) = delete;
};

}  // namespace stowage::ftps
