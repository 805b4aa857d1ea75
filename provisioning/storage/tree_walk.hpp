// Everything in a directory that other people write in, one by one.
// Runs in: root_step, as root. Distrusts: the tree, which may be deep, huge, and change while it is walked.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

struct TreeVisitor {
    std::function<Result<void>(const Fd& directory)> directory;
    std::function<Result<void>(const Fd& file, const std::string& name)> file;  ///< regular ones only
};

/// Shows `top` and all directories and regular files below it to the visitor, open for reading, a directory
/// before what is in it. No link is followed, no other filesystem entered, and nothing is reached that was
/// never in the tree, wherever its directories are moved meanwhile. What goes or becomes something else
/// meanwhile is left out. However deep the tree is, some hundred descriptors are enough, on filesystems that
/// can be exported over NFS; takes CAP_DAC_READ_SEARCH. Waits where a file has a lease (fcntl(2)). Blocks.
/// @param spared a name in `top` that is left alone
/// Code::unsupported where directories are nested a million times.
Result<void> walk_tree(Fd top, std::string_view spared, const TreeVisitor& visitor);

}  // namespace stowage::storage
