// Projects: the mark on a directory tree by which XFS and ext4 count it together.
// Runs in: root_step, as root. Blocking. Distrusts: the tree, which members and pods change meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// What a lab's directory says of its project.
struct Project {
    std::uint32_t id = 0;  ///< what new files and directories in it get; 0: none
    bool whole = false;    ///< everything that was there before was given it too
};

/// Code::unsupported where the filesystem knows no projects.
Result<Project> read_project(const Fd& lab_directory);

/// Gives a lab's tree the project. Its directory is first, so that what comes meanwhile has it already; last,
/// it is noted there that the tree is done, where nobody but root can write. Killed at any point and called
/// again it ends the same; called again when all is well it writes nothing. As long as reading the whole tree
/// takes. What cannot bear a project (links, FIFOs, what is immutable) stays as it is.
Result<void> put_project(const Fd& lab_directory, std::uint32_t id);

/// The directory alone is in no project any more, and hands none down: everything may be moved into it.
Result<void> leave_project(const Fd& directory);

/// The ids that projid(5) and projects(5) give a name or a directory. Lines that are not of that form are
/// left out.
std::set<std::uint32_t> named_projects(std::string_view projid_file, std::string_view projects_file);

/// A free id for the lab with this uid: the uid itself, or one that is some times `stride` above it, so
/// that no two labs are offered the same. Code::no_space when many of them are taken.
/// @param stride from one candidate to the next
Result<std::uint32_t> free_project(std::uint32_t uid, std::uint32_t stride,
                                   const std::function<Result<bool>(std::uint32_t)>& is_taken);

}  // namespace stowage::storage
