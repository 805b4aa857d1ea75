// Files of the lab copied and joined inside the worker, published as uploads are.
// Runs in: worker, on a thread per copy. Distrusts: peers who write to what is being copied.
#pragma once

#include <string>
#include <vector>

#include "ftps/worker/hash_attribute.hpp"
#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/partials.hpp"
#include "ftps/worker/transfer.hpp"

namespace stowage::ftps {

/// What copies need, and whose they are.
struct Copying {
    LabFiles& files;
    Partials& partials;
    const HashAttribute& hashes;
    std::string user;
    Durability durability;
};

/// A file that is open to be copied, as it was then.
struct Source {
    std::string path;
    Fd file;
    struct stat seen {};
};

/// All of `source` to where `to` is positioned. Code::in_use if it was written to meanwhile. Blocks.
/// @param target for the error text
Result<void> append(const Source& source, const Fd& to, const std::string& target, Transfer& progress);

/// `to` becomes a copy of the file `from`, in one moment and as durable as an upload; blocks are shared where
/// the filesystem can (btrfs, XFS). On failure everything is as it was. Code::in_use for an unfinished upload
/// and for a file that was written to meanwhile. Blocks; ends when `progress` is aborted.
Result<void> copy_file(const Copying& copying, const std::string& from, const std::string& to,
                       Transfer& progress);

/// The parts, in their order, become one file `target`, behind what it holds already (as Globalscape defines
/// COMB); then, and only then, the parts are removed. On failure everything is as it was. Code::in_use for
/// parts whose upload has not ended. Blocks; ends when `progress` is aborted.
/// @return the paths of parts that could not be removed
Result<std::vector<std::string>> join_files(const Copying& copying, const std::string& target,
                                            const std::vector<std::string>& parts, Transfer& progress);

}  // namespace stowage::ftps
