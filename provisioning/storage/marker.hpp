// `.stowage` in a lab: root's marker that says whose directory it is, and the place of unfinished uploads.
// Runs in: root_step, as root. Distrusts: the lab, which owns the directory around it.
#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/lab_marker.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// In labs.root, beside the labs: an empty file of root's that says that this is their filesystem. An empty
/// mount point does not have it.
inline constexpr const char* root_marker = ".stowage-root";

bool has_root_marker(const Fd& root);
/// Done twice it is done once.
Result<void> put_root_marker(const Fd& root);

/// True if `.stowage` is root's and its marker names this lab and uid. A lab can hide or replace `.stowage`,
/// since it owns the directory around it, but cannot forge root's: then this is false, and put_marker() mends
/// it.
bool has_marker(const Fd& lab_directory, const std::string& lab, uid_t uid);

/// True if the directory is this lab's: it bears its marker, or no marker at all and belongs to its uid and
/// gid. A lab can rename `.stowage` away and stays itself: its uid is given to it alone, and only root puts
/// directories into labs.root.
Result<bool> is_labs_own(const Fd& lab_directory, const std::string& lab, uid_t uid);

/// Makes `.stowage` (root's, 0755: only the lab gets as far as that), `.stowage/partials` (the lab's, 0700)
/// and the marker `.stowage/lab` (root's, 0444: lab name, uid, version, a line each). Since `.stowage` is
/// root's, `rm -rf` of a pod leaves the marker alone. Whatever else stands in its place is renamed aside,
/// never deleted. Done twice it is done once.
Result<void> put_marker(const Fd& lab_directory, const std::string& lab, uid_t uid);

/// Whose mark it is, for people ("lab2, uid 700001"); empty without a marker of root's.
std::string marked_for(const Fd& lab_directory);

/// True if nothing but our own empty `.stowage` is in the directory.
Result<bool> is_empty(const Fd& lab_directory);

}  // namespace stowage::storage
