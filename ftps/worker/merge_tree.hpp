// What lies in one directory, moved into another that has something in it already.
// Runs in: worker, on the threads that unpack. Distrusts: peers who change both meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Of a merge that failed: what could not be moved back, for peers changed the directories meanwhile.
struct NotTakenBack {
    std::uint64_t names = 0;     ///< new ones that stay in `into`, or where a peer moved them
    std::uint64_t replaced = 0;  ///< of these, those whose former selves lie in `from`
    std::string first;           ///< a path of the latter; of any, if there is none
};

/// Moves everything from `from` to `into`, both on one filesystem: a name that is new there comes with all
/// below it by one rename, a directory that both have is merged in turn, a file takes the place of the one
/// there as an upload does, in one moment. What was replaced lies in `from` afterwards. On failure, when
/// `aborted`, and when memory ends, all is moved back, and `left` says what was not. No symbolic link is
/// followed. Blocks.
/// @param moved called with each path that was moved, seen from `into`, once all of them are
/// Code::exists where one side has a directory and the other has none.
Result<void> merge_tree(int from, int into, const std::atomic<bool>& aborted,
                        const std::function<void(const std::string&)>& moved, NotTakenBack& left);

}  // namespace stowage::ftps
