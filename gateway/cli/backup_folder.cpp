// Files, checksums and the list of what is kept.
// Runs in: CLI (as root). Distrusts: the folder.
#include "gateway/cli/backup_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "gateway/base/fd.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/certificate/certificate.hpp"
#include "gateway/cli/file_places.hpp"
#include "gateway/preflight/secret_files.hpp"

namespace stowage::cli {

namespace {

constexpr FileOwner roots{0, 0, 0600};

std::string pam_service_file(const Config& config) {
    const auto& folder = config.accounts.pam_confdir;
    return (folder.empty() ? std::string("/etc/pam.d") : folder) + "/" + config.accounts.pam_service;
}

Error not_whole(const std::string& path, std::string why) {
    return {Code::invalid, fmt::format("{} is no whole backup: {}", path, why),
            "name a folder that `stowage backup` made and nobody changed"};
}

bool is_known(std::string_view name) {
    constexpr std::string_view known[] = {saved_database, saved_config,   saved_chain,
                                          saved_key,      "ftps.passwd",  "file-hash.key",
                                          "pam-service",  "runai-secret", "runai-ca.pem"};
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

}  // namespace

std::vector<KeptFile> kept_files(const Config& config) {
    const auto pair = certificate_files(config);
    std::vector<KeptFile> files = {
        {std::string(saved_chain), pair.chain_path, {0, 0, 0644}, false},
        {std::string(saved_key), pair.key_path, roots, false},
        {"ftps.passwd", config.accounts.password_file, roots, true},  // there is none before the first user
        {"file-hash.key", config.state_dir + "/file-hash.key", roots, false},
        {"pam-service", pam_service_file(config), {0, 0, 0644}, true},
    };
    if (!config.runai.client_secret_file.empty() && !is_credential(config.runai.client_secret_file))
        files.push_back({"runai-secret", config.runai.client_secret_file, roots, false});
    if (!config.runai.ca_bundle.empty())
        files.push_back({"runai-ca.pem", config.runai.ca_bundle, {0, 0, 0644}, false});
    return files;
}

std::string database_path(const Config& config) {
    return config.state_dir + "/controller/stowage.db";
}

Result<CertificatePair> read_pair(const std::string& chain_path, const std::string& key_path,
                                  const ReadFile& read) {
    std::error_code failed;
    const bool is_one_file = std::filesystem::equivalent(chain_path, key_path, failed);
    for (int left = 2; left > 0; --left) {
        CertificatePair pair;
        TRY(pair.chain_pem, read(chain_path));
        TRY(auto key, is_one_file ? Result<std::string>(pair.chain_pem) : read(key_path));
        pair.key_pem = Secret(key);
        explicit_bzero(key.data(), key.size());
        if (key_fits(pair.chain_pem, pair.key_pem.reveal())) return pair;
    }
    return Error{
        Code::config, fmt::format("{} does not belong to the certificate {}", key_path, chain_path),
        "put the certificate's own key there and back up again: a gateway that is restored from this "
        "pair does not start"};
}

Result<KeptFile> database_file(const Config& config) {
    TRY(const auto uid, privileges::user_id(config.process.controller_user));
    const auto* entry = ::getpwuid(uid);
    const FileOwner owner{uid, entry ? entry->pw_gid : static_cast<gid_t>(uid), 0600};
    return KeptFile{std::string(saved_database), database_path(config), owner};
}

Result<BackupFolder> BackupFolder::create(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0) return BackupFolder(path);
    auto error = system_error(errno, "create the folder " + path);
    if (error.code == Code::exists)
        error.remedy = "nothing is overwritten: name a folder that is not there yet";
    return error;
}

BackupFolder::~BackupFolder() {
    if (path_.empty() || finished_) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Result<void> BackupFolder::add(const std::string& name, std::string_view bytes) {
    CHECK(write_atomically(path_ + "/" + name, bytes, {::geteuid(), ::getegid(), 0600}));
    sums_ += fmt::format("{}  {}\n", sha256_of(bytes), name);
    names_.push_back(name);
    return {};
}

Result<void> BackupFolder::finish() {
    CHECK(write_atomically(path_ + "/" + std::string(saved_sums), sums_, {::geteuid(), ::getegid(), 0600}));
    finished_ = true;
    return {};
}

Result<std::vector<SavedFile>> read_backup(const std::string& path) {
    auto sums = read_file(path + "/" + std::string(saved_sums));
    if (!sums) return not_whole(path, sums.error().what);
    std::vector<SavedFile> files;
    std::string_view rest = *sums;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.size() < 67 || line.substr(64, 2) != "  " || !is_known(line.substr(66)))
            return not_whole(path, "its checksums name what no backup holds");
        const std::string name(line.substr(66));
        auto bytes = read_file(path + "/" + name, largest_saved_bytes);
        if (!bytes) return not_whole(path, bytes.error().what);
        if (sha256_of(*bytes) != line.substr(0, 64)) return not_whole(path, name + " is not what was saved");
        files.push_back({name, Secret(*bytes)});
        explicit_bzero(bytes->data(), bytes->size());
    }
    if (files.empty()) return not_whole(path, "it is empty");
    return files;
}

}  // namespace stowage::cli
