// What libnfs' error texts mean.
// Runs in: controller. Distrusts: the server's error codes, and libnfs' numbers.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// "NFS4ERR_DQUOT" out of nfs_get_error(); empty if it names none.
std::string_view error_token(std::string_view text);

/// An Error from a failed libnfs call. libnfs 4.0.0 turns unknown codes into ERANGE (EDQUOT among them) and
/// EFAULT, so the token decides, and the number only without one.
/// @param doing "mount /mnt/nfs/lab1"
Error nfs_error(int number, std::string_view text, std::string_view doing);

/// Whether a write was refused for the lab's own limit.
/// @param at_limit the lab is known to be at it: XFS says "no space" for a project's limit, too
bool is_full(const Error& error, bool at_limit);

}  // namespace stowage::nfs
