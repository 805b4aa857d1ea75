// Reading `.stowage`, which says whose directory a lab is.
// Runs in: root_step, the Ganesha launcher. Distrusts: the lab, which owns the directory around it.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage {

inline constexpr const char* marker_folder = ".stowage";

/// `.stowage` if it is a directory that root made: the lab cannot make one of root's. Follows no symbolic
/// link and waits for no FIFO.
Result<Fd> open_marker_folder(const Fd& lab_directory);

/// What stands in `.stowage/lab`; empty without a marker of root's. One that the lab made in its place says
/// nothing, not even that another lab is here.
std::string read_marker(const Fd& lab_directory);

}  // namespace stowage
