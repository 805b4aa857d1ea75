// What lies in one directory, moved into another that has something in it already.
// Runs in: worker, on the threads that unpack. Distrusts: peers who change both meanwhile.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Three open directories of one filesystem.
struct MergeSides {
    int from;      ///< what is still to be moved, and nothing else
    int into;      ///< the target
    int replaced;  ///< what it replaced, under the same names
};

/// Of a merge that failed: what could not be moved back, for peers changed the directories meanwhile.
struct NotTakenBack {
    std::uint64_t names = 0;     ///< new ones that stay in `into`, or where a peer moved them
    std::uint64_t replaced = 0;  ///< of these, those whose former selves lie in `replaced`
    std::string first;           ///< a path of the latter; of any, if there is none
};

/// Called with each path that was moved, seen from `into`, once all of them are.
using Moved = std::function<void(const std::string&)>;

/// Moves everything from `from` to `into`: a name that is new there comes with all below it by one rename, a
/// directory that both have is merged in turn, a file takes the place of the one there as an upload does, in
/// one moment. On failure, when `aborted`, and when memory ends, all is moved back, and `left` says what was
/// not. At every moment what is in the three directories is enough for finish_merge(). No symbolic link is
/// followed. Blocks.
/// @param turns called before anything is moved back
/// Code::exists where one side has a directory and the other has none.
Result<void> merge_tree(const MergeSides& sides, const std::atomic<bool>& aborted,
                        const std::function<void()>& turns, const Moved& moved, NotTakenBack& left);

/// What is known of a merge that was killed.
struct KilledMerge {
    timespec began{};     ///< by the filesystem's clock
    bool turned = false;  ///< it was moving things back
};

struct FinishedMerge {
    std::uint64_t moved = 0;
    std::uint64_t left_alone = 0;  ///< names that stayed as peers have made them since
    std::string first;             ///< of the latter
};

/// Goes on where merge_tree() was killed: all that is left in `from` is moved, but for the names that peers
/// have changed since it began: theirs are newer. An error leaves it for another attempt.
/// What `killed.turned` has it replace may be a peer's: `replaced` is not to be removed then. Names that this
/// or the killed one moved bear a ctime that is not before `killed.began`.
Result<FinishedMerge> finish_merge(const MergeSides& sides, const KilledMerge& killed);

bool is_before(const timespec& a, const timespec& b);

}  // namespace stowage::ftps
