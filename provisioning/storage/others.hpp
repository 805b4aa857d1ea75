// No rights for others in a lab, by a default ACL (acl(5)).
// Runs in: root_step. Distrusts: the lab, which may change the ACL of its directory.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// Whether files that are made in `directory` may have rights for others. False also where the filesystem has
/// no ACLs: then nothing can be done about it.
bool is_open_to_others(const Fd& directory);

/// From now on what is made in `directory`, and in directories made in it, gives others no rights, whatever
/// mode and umask its maker has. chmod(2) by the owner can still give them. Nothing is done where it is so
/// already, or where the filesystem has no ACLs.
/// @param what for the error
Result<void> keep_others_out(const Fd& directory, const std::string& what);

}  // namespace stowage::storage
