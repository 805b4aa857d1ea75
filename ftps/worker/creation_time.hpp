// When a file was made, as FTP's `create` fact has it: what a client has said (MFCT, MFF), kept in an
// extended attribute of the file, for Linux lets nobody set that time; else what the filesystem knows. Runs
// in: worker, on the file threads. Distrusts: the attribute, which pods may write.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// It stays with the file through renames and what goes on with its content (APPE, REST, RANG), and goes when
/// another file takes its name. Fourteen digits, so that a pod reads it by getfattr(1).
inline constexpr const char* creation_attribute = "user.stowage.created";

/// Of an open file or directory. Code::denied where nobody may write to it, Code::unsupported where the
/// filesystem keeps no attributes, Code::no_space and Code::over_quota as a write. Blocks.
/// @param path for the error text
/// @param created seconds since the epoch
Result<void> set_creation_time(const Fd& file, const std::string& path, std::int64_t created);

/// Of `name` in `directory`, which was `seen`, in seconds since the epoch; nothing where neither attribute
/// nor filesystem tells. A symbolic link is not followed and nothing but files and directories is opened.
/// Blocks.
std::optional<std::int64_t> creation_time(int directory, const char* name, const struct stat& seen);

/// For a file that is to take the place of `from` and holds its content. Does without where that cannot be.
void keep_creation_time(const Fd& from, const Fd& to);

}  // namespace stowage::ftps
