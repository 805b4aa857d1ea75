// What a backup holds, and the folder that it is kept in.
// Runs in: CLI (as root). Distrusts: what stands in the folder, until its checksums agree.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::cli {

inline constexpr std::string_view saved_database = "stowage.db", saved_config = "stowage.yaml",
                                  saved_sums = "SHA256SUMS";
inline constexpr std::size_t largest_saved_bytes = std::size_t{256} << 20;

/// A file of the gateway: its name in the backup, its place, and who owns it there.
struct KeptFile {
    std::string name, path;
    FileOwner owner;
    bool optional = false;  ///< it may be missing
};

/// All but the database and the configuration file. The same list saves and restores. Ticket keys are not in
/// it: they are in memory only.
std::vector<KeptFile> kept_files(const Config& config);

/// The database's place and owner. Code::config when there is no such account.
Result<KeptFile> database_file(const Config& config);

/// A folder that is being filled. What was not finished is removed again.
class BackupFolder {
  public:
    /// Makes it, 0700. Code::exists when it is there already.
    static Result<BackupFolder> create(const std::string& path);
    BackupFolder(BackupFolder&& other) noexcept = default;
    BackupFolder& operator=(BackupFolder&&) = delete;
    ~BackupFolder();

    /// Writes a file, 0600, to the disk.
    Result<void> add(const std::string& name, std::string_view bytes);
    /// The checksums, as sha256sum(1) reads them, last: a folder without them is not whole.
    Result<void> finish();
    const std::vector<std::string>& names() const { return names_; }

  private:
    explicit BackupFolder(std::string path) : path_(std::move(path)) {}
    std::string path_, sums_ = {};
    std::vector<std::string> names_ = {};
    bool finished_ = false;
};

struct SavedFile {
    std::string name;
    Secret bytes;
};

/// Everything in a backup. Code::invalid when it is not whole, was changed, or names what no backup holds.
Result<std::vector<SavedFile>> read_backup(const std::string& path);

}  // namespace stowage::cli
