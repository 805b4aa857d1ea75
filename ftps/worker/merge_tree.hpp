// What lies in one directory, moved into another that has something in it already.
// Runs in: worker, on the threads that unpack. Distrusts: peers who change both meanwhile.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Moves everything from `from` to `into`, both on one filesystem: a name that is new there comes with all
/// below it by one rename, a directory that both have is merged in turn, a file takes the place of the one
/// there as an upload does, in one moment. What was replaced lies in `from` afterwards. On failure and when
/// `aborted`, all is moved back. No symbolic link is followed. Blocks.
/// @return the paths of what was moved, seen from `into`
/// Code::exists where one side has a directory and the other has none.
Result<std::vector<std::string>> merge_tree(int from, int into, const std::atomic<bool>& aborted);

}  // namespace stowage::ftps
