// Whole directories copied inside the worker.
// Runs in: worker, on a thread per copy. Distrusts: peers who change what is being copied, and how deep it
// is.
#pragma once

#include <cstdint>
#include <string>

#include "ftps/worker/file_copy.hpp"

namespace stowage::ftps {

struct TreeCopied {
    std::uint64_t files = 0, directories = 0, links = 0;
    std::uint64_t left_out = 0;  ///< devices, fifos and sockets
};

/// What is below the directory `from`, copied to below `to` as an unpacked archive comes there: unseen until
/// it is complete and on disk, then by one rename, or merged into a directory of that name. Files keep their
/// mode and their kept hash, links are copied as links, unfinished uploads are no part of it. On failure
/// everything is as it was. Code::invalid above a million names or 64 levels. Blocks; ends when `progress` is
/// aborted.
Result<TreeCopied> copy_tree(const Copying& copying, const std::string& from, const std::string& to,
                             Transfer& progress);

}  // namespace stowage::ftps
