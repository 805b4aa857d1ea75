// The members of an archive as files below one directory of ours.
// Runs in: worker, on the threads that unpack. Distrusts: the archive; peers who change the directory
// meanwhile.
#pragma once

#include "ftps/worker/ledger_share.hpp"
#include "ftps/worker/transfer.hpp"
#include "ftps/worker/unpacked.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Unpacks `archive` into the directory `into`, made by us and empty. No symbolic link is ever followed;
/// owner, setuid, setgid and access lists of the archive are ignored, files get the rights of uploads (0660,
/// executables 0770), directories inherit `into`'s setgid. Counts bytes and files in `transfer`, and ends
/// when that is aborted. Nothing is synced but large files in part. On failure, what is there is for the
/// caller to remove. Blocks.
/// @param share counts all of it, and refuses what the lab may not hold where no filesystem does
Result<Unpacked> unpack_tree(const Fd& archive, int into, const UnpackLimits& limits, LedgerShare& share,
                             Transfer& transfer);

}  // namespace stowage::ftps
