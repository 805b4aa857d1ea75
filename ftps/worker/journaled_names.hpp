// Filesystems that keep the name of a renamed file together with the file.
// Runs in: worker, before it narrows itself.
#pragma once

#include <string>

namespace stowage::ftps {

/// True where fsync(2) of a file, after rename(2), keeps the new name too, as fsync(2) of the directory
/// would: on XFS, and on ext4 with a journal (of which /sys is asked). Both write a rename into the journal
/// that fsync of the inode makes durable up to its last change. Whoever wants content and name of an upload
/// on disk then waits for the disk once, not twice. False where that is not known. Blocks.
bool file_sync_keeps_names(const std::string& directory);

/// What /sys says of a journal: the number of its thread, or "<none>" (ext4(5) in the kernel's
/// documentation).
bool names_a_journal(const std::string& journal_task);

}  // namespace stowage::ftps
