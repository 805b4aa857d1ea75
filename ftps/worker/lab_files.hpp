// The lab's files as they are: every path is resolved below the root descriptor, whatever peers rename
// meanwhile. Runs in: worker, on the file threads. Distrusts: paths, symbolic links, directories that change
// while we walk.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ftps/worker/ledger.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// What a mode may give in a lab. Others have no rights: of two labs on one filesystem, a forged NFS handle
/// leads from one into the other, where its clients are the others.
inline constexpr mode_t lab_rights = 0770;

/// All members may block on the filesystem and are safe from several threads. Paths are absolute_path()'s.
/// Symbolic links are followed as long as they stay below the lab's root (openat2(2), RESOLVE_BENEATH).
class LabFiles {
  public:
    /// @param alias another name of the root ("/mnt/nfs"), or empty
    LabFiles(Fd root, std::string alias);

    /// `argument` as seen from `directory`, the alias taken off unless a real directory of that name exists.
    /// Code::not_found for what is ours (/.stowage).
    Result<std::string> locate(const std::string& directory, const std::string& argument) const;

    Result<struct stat> stat(const std::string& path) const;   ///< follows links
    Result<struct stat> lstat(const std::string& path) const;  ///< does not follow the last one
    Result<Fd> open_directory(const std::string& path) const;
    /// A plain file; Code::denied for anything else.
    Result<Fd> open_for_reading(const std::string& path) const;
    /// The directory that holds `path`, for the *at() calls (O_PATH).
    Result<Fd> open_parent(const std::string& path) const;
    /// True for /.stowage, however the way to the root was written.
    bool hides(int directory, std::string_view name) const;
    /// What access(2) allows in an open directory, O_PATH ones too: R_OK, W_OK and X_OK or-ed.
    static int rights(int directory);
    /// All of them.
    static bool has_rights(int directory, int rights);
    /// The target of a symbolic link; empty if it is none.
    static std::string link_target(int directory, const char* name);

    Result<void> make_directory(const std::string& path) const;  ///< 2770
    Result<void> remove_directory(const std::string& path) const;
    Result<void> remove_file(const std::string& path) const;
    /// Replaces a file, as rename(2) does.
    Result<void> rename(const std::string& from, const std::string& to) const;
    /// Permission bits of a file or directory that belongs to the lab; directories keep setgid.
    Result<void> set_mode(const std::string& path, mode_t mode) const;
    /// @param modified seconds since the epoch
    Result<void> set_modified(const std::string& path, std::int64_t modified) const;

    /// The staging directory /.stowage/partials, made if it is not there; both become ours(), so that no
    /// symbolic link reaches them by another name.
    Result<Fd> open_staging();

    /// What the whole filesystem has left for the lab; no inodes where it knows no such limit (btrfs).
    struct DiskRoom {
        std::uint64_t bytes = 0;
        std::optional<std::uint64_t> inodes;
    };
    /// @param sync first syncfs(2), after which btrfs has counted everything
    Result<DiskRoom> disk_room(bool sync) const;
    /// Has the ledger count the whole lab anew.
    Result<void> count() { return ledger_.walk(root_); }
    Ledger& ledger() const { return ledger_; }

  private:
    Result<Fd> open(const std::string& path, int flags) const;
    Result<Fd> open_own(int parent, const char* name);
    bool ours(int directory) const;
    /// For the ledger: what is about to go. Nothing while it is off.
    std::optional<struct stat> there(const Fd& directory, const std::string& name) const;

    Fd root_;
    std::string alias_;
    mutable Ledger ledger_;
    mutable std::mutex mutex_;
    std::vector<std::pair<dev_t, ino_t>> ours_;
};

}  // namespace stowage::ftps
