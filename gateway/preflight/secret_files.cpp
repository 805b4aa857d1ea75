// Reading and judging.
// Runs in: supervisor, CLI.
#include "gateway/preflight/secret_files.hpp"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"

namespace stowage {

namespace {

Result<Secret> read_secret(const std::string& path) {
    TRY(auto text, read_file(path, 4096));
    Secret secret(text);
    explicit_bzero(text.data(), text.size());
    return secret;
}

/// The file may end in a newline, the secret does not.
Secret without_line_end(const Secret& secret) {
    auto text = secret.reveal();
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    return Secret(text);
}

}  // namespace

namespace {

constexpr std::string_view credential_prefix = "$CREDENTIALS_DIRECTORY/";
constexpr const char* directory_of_service = "/run/credentials/stowage.service";

}  // namespace

bool is_credential(const std::string& client_secret_file) {
    return client_secret_file.rfind(credential_prefix, 0) == 0;
}

std::string runai_secret_path(const Config& config) {
    const auto& path = config.runai.client_secret_file;
    if (!is_credential(path)) return path;
    const char* directory = ::getenv("CREDENTIALS_DIRECTORY");
    const std::string folder = directory == nullptr || *directory == '\0' ? directory_of_service : directory;
    return folder + '/' + path.substr(credential_prefix.size());
}

Result<Secret> read_runai_secret(const Config& config) {
    const auto path = runai_secret_path(config);
    if (path.empty()) return Secret();
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        auto error = system_error(errno, "runai.client_secret_file " + path);
        error.remedy = is_credential(config.runai.client_secret_file)
                           ? "add LoadCredential=NAME:/path to stowage.service, and start the service anew"
                           : "put the application's secret into it, readable by root alone, or correct the "
                             "path";
        return error;
    }
    if (info.st_mode & (S_IRWXO | S_IWGRP))
        return Error{Code::config, "runai.client_secret_file " + path + " is open to others than its owner",
                     "chmod 0600 " + path};
    TRY(const auto whole, read_secret(path));
    auto secret = without_line_end(whole);
    if (secret.empty())
        return Error{Code::config, "runai.client_secret_file " + path + " is empty",
                     "write the application's secret into it"};
    return secret;
}

std::string hash_secret_path(const std::string& state_dir) {
    return state_dir + "/file-hash.key";
}

Result<Secret> read_hash_secret(const std::string& state_dir) {
    const auto path = hash_secret_path(state_dir);
    TRY(auto secret, read_secret(path));
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) return system_error(errno, "stat " + path);
    if (secret.reveal().size() != hash_secret_bytes || (seen.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return Error{Code::config, path + " is not 32 bytes that only root may read",
                     "remove it; the next start makes a new one"};
    return secret;
}

}  // namespace stowage
