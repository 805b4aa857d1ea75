// That a merge is under way, and into which directory: a file in the place where it happens, so that the
// worker after a killed one can finish it (finish_merge()). Runs in: worker, on the threads that unpack.
// Distrusts: the file, which pods may write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ftps/worker/merge_tree.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// One of a lab's directories, whatever its name. Without the device, whose number may be another after each
/// mount: a lab is one filesystem. With its birth, for inode numbers are given anew.
struct WhichDirectory {
    std::uint64_t inode = 0;
    std::uint64_t made = 0;  ///< in nanoseconds; 0 where the filesystem does not know
    bool operator==(const WhichDirectory&) const = default;
};
/// Nothing, with errno set, if it cannot be told.
std::optional<WhichDirectory> which_directory(int directory);

struct MergeRecord {
    std::string target;    ///< absolute_path()'s
    WhichDirectory which;  ///< that was: pods may have put another one there since
    KilledMerge killed;
    bool kept = false;  ///< keep_merge_record()
};

/// Whole or not at all, whatever ends the process; and the machine, if `durable`. Blocks.
/// @param place an open directory
Result<void> put_merge_record(int place, const std::string& target, WhichDirectory which, bool durable);
/// What was moved is being moved back from now on. Takes no room on a full disk.
void turn_merge_record(int place);
/// The merge has failed, and a client was told so: it is not to be finished any more. What it replaced and
/// could not put back is to be kept. Takes no room either.
void keep_merge_record(int place);
/// From now on there is nothing to finish.
void drop_merge_record(int place);
/// Nothing where no merge was under way.
std::optional<MergeRecord> read_merge_record(int place);

}  // namespace stowage::ftps
