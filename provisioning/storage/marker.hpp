// `.stowage` in a lab: root's marker that says whose directory it is, and the place of unfinished uploads.
// Runs in: root_step, as root. Distrusts: the lab, which owns the directory around it.
#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/lab_marker.hpp"
#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// In labs.root, beside the labs: a file of root's that says that this is their filesystem, by an id that the
/// database has too. An empty mount point does not have it, nor what was below it when labs were tried out
/// there. Former versions left it empty; "yes" is an administrator's word that it is this one.
inline constexpr const char* root_marker = ".stowage-root";

/// What is known of the filesystem on which labs were made.
struct LabsRoot {
    message::Uuid id{};  ///< zero: any mark is its
    bool known = false;  ///< it was seen to bear this id
};

enum class RootMark {
    none,
    former,   ///< another id or none, and whether it is the labs' filesystem is not known
    foreign,  ///< another id or none, and the labs' filesystem is known to bear one
    right
};

RootMark root_mark(const Fd& root, const LabsRoot& labs = {});
/// In place of another one too. Done twice it is done once.
Result<void> put_root_marker(const Fd& root, const LabsRoot& labs = {});

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

/// The uid in a mark that names this lab, right or not; 0 without one.
uid_t marked_uid(const Fd& lab_directory, const std::string& lab);

/// The name of another directory in labs.root that has this uid and another lab's mark; empty without one.
/// A directory that an administrator moved aside bears the mark of this lab.
std::string other_lab_of(const Fd& root, const std::string& lab, uid_t uid);

/// True if nothing but our own empty `.stowage` is in the directory.
Result<bool> is_empty(const Fd& lab_directory);

}  // namespace stowage::storage
