// Hashes of files by reading them.
// Runs in: worker, on a thread per hash.
#pragma once

#include <cstdint>
#include <string>

#include "ftps/worker/digest.hpp"
#include "ftps/worker/transfer.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// The bytes from `begin` up to, but without, `end`. Blocks; counts in `progress.bytes`. Code::cancelled when
/// that was aborted, Code::in_use if the file became shorter meanwhile. Returns the hash itself.
Result<std::string> hash_bytes(const Fd& file, HashAlgorithm algorithm, std::uint64_t begin,
                               std::uint64_t end, Transfer& progress);

}  // namespace stowage::ftps
