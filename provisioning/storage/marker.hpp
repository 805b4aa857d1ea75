// `.stowage` in a lab: root's marker that says whose directory it is, and the place of unfinished uploads.
// Runs in: root_step, as root. Distrusts: the lab, which owns the directory around it.
#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

inline constexpr const char* marker_folder = ".stowage";

/// True if `.stowage` is root's and its marker names this lab and uid. A lab can hide or replace `.stowage`,
/// since it owns the directory around it, but cannot forge root's: then this is false, and put_marker() mends
/// it.
bool has_marker(const Fd& lab_directory, const std::string& lab, uid_t uid);

/// Makes `.stowage` (root, 0755), `.stowage/partials` (the lab's, 0700) and the marker `.stowage/lab`.
/// Whatever else stands in the place of `.stowage` is renamed aside, never deleted. Done twice it is done
/// once.
Result<void> put_marker(const Fd& lab_directory, const std::string& lab, uid_t uid);

/// True if nothing but our own empty `.stowage` is in the directory.
Result<bool> is_empty(const Fd& lab_directory);

}  // namespace stowage::storage
