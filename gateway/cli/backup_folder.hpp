// What a backup holds, and the folder that it is kept in.
// Runs in: CLI (as root). Distrusts: what stands in the folder, until its checksums agree. They are no proof
// of who made it: they lie beside the rest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/found_on_disk.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::cli {

inline constexpr std::string_view saved_database = "stowage.db", saved_config = "stowage.yaml",
                                  saved_sums = "SHA256SUMS", saved_chain = "certificate.pem",
                                  saved_key = "private-key.pem";
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

struct CertificatePair {
    std::string chain_pem;
    Secret key_pem;
};
using ReadFile = std::function<Result<std::string>(const std::string&)>;
/// Certificate and key that belong together: what replaces both (`tls install`, an ACME client) may come
/// between two reads, so they are read once more if they do not fit. Code::config when they never do.
Result<CertificatePair> read_pair(const std::string& chain_path, const std::string& key_path,
                                  const ReadFile& read);

std::string database_path(const Config& config);
/// The database's place and owner. Code::config when there is no such account.
Result<KeptFile> database_file(const Config& config);

/// What a database that is put back may not know: labs that were made after the backup.
FoundOnDisk find_on_disk(const Config& config);
/// Whether labs.root bears the mark of the labs' filesystem. On a new disk there is none either.
bool labs_are_mounted(const Config& config);

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
