// A directory that was prepared under one name, published under another in one moment.
// Runs in: worker, on the file threads. Distrusts: peers who change both meanwhile.
#pragma once

#include <string>

#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/partials.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

enum class Committed { renamed, exchanged };

/// The directory `staged` becomes `published`, by one rename(2). A directory that is there takes the name
/// `staged` in the same moment (RENAME_EXCHANGE): a second commit of the same names takes it back. With
/// Durability::full what is in it is on disk before, and both names are when this returns. Paths are
/// LabFiles::locate()'s. Blocks.
///
/// Code::exists while unfinished uploads belong into one of them, and where `published` is no directory;
/// Code::denied where `staged` is none; Code::unsupported on a filesystem that cannot exchange names.
Result<Committed> commit_directory(const LabFiles& files, Partials& partials, const std::string& staged,
                                   const std::string& published, Durability durability);

}  // namespace stowage::ftps
