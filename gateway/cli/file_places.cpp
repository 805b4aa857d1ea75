// Links, owners and modes.
// Runs in: CLI (as root). Distrusts: links that are not root's.
#include "gateway/cli/file_places.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "gateway/base/secret.hpp"

namespace stowage::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_bytes = std::size_t{256} << 20;
constexpr int most_links = 40;  // as the kernel

struct Link {
    std::string path;
    uid_t owner;
};

Result<void> check_links(const std::vector<Link>& links, const std::string& path, uid_t owner) {
    for (const auto& link : links)
        if (link.owner != 0 && link.owner != owner)
            return Error{
                Code::denied,
                fmt::format("{} is a link of uid {}'s to {}, which is not that user's", link.path, link.owner,
                            path),
                fmt::format("if it is right: chown -h root {}; else name the file itself", link.path)};
    return {};
}

/// Certificates and parameters are everybody's to see.
bool is_public_block(std::string_view label) {
    return label.ends_with("CERTIFICATE") || label.ends_with("PARAMETERS");
}

bool holds_secret_block(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN ", dashes = "-----";
    for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
        at += begin.size();
        const auto end = text.find(dashes, at);
        if (end == text.npos || !is_public_block(text.substr(at, end - at))) return true;
    }
    return false;
}

}  // namespace

std::string sha256_of(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) return {};
    return fmt::format("{:02x}", fmt::join(digest, digest + size, ""));
}

Result<std::string> behind_links(const std::string& path) {
    std::vector<Link> links;
    fs::path file = path;
    std::error_code failed;
    struct stat info {};
    for (;;) {
        // Without names of folders that are links: two ways to one file are one place.
        const auto folder = fs::weakly_canonical(file.parent_path(), failed);
        if (failed) return system_error(failed.value(), "find " + file.string());
        file = folder / file.filename();
        if (::lstat(file.c_str(), &info) != 0) {
            if (errno != ENOENT) return system_error(errno, "look at " + file.string());
            CHECK(check_links(links, file.string(), 0));
            return file.string();
        }
        if (!S_ISLNK(info.st_mode)) break;
        if (links.size() == most_links) return system_error(ELOOP, "follow the link " + path);
        links.push_back({file.string(), info.st_uid});
        const auto target = fs::read_symlink(file, failed);
        if (failed) return system_error(failed.value(), "follow the link " + file.string());
        file = file.parent_path() / target;
    }
    if (!S_ISREG(info.st_mode))
        return Error{Code::config, file.string() + " is no file", "name a file in the configuration"};
    CHECK(check_links(links, file.string(), info.st_uid));
    return file.string();
}

FileOwner owner_in_place(const std::string& path, const FileOwner& owner, std::string_view bytes) {
    const bool secret = !(owner.mode & S_IROTH) || holds_secret_block(bytes);
    const mode_t denied = secret ? S_IRWXO | S_IWGRP : S_IWOTH;
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0)
        return {info.st_uid, info.st_gid, (info.st_mode & ACCESSPERMS) & ~denied};
    return {owner.uid, owner.gid, secret ? mode_t{0600} : owner.mode};
}

bool is_as_meant(const std::string& path, const FileOwner& owner, std::string_view bytes) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || info.st_uid != owner.uid || info.st_gid != owner.gid ||
        (info.st_mode & ALLPERMS) != owner.mode)
        return false;
    auto now = read_file(path, largest_bytes);
    if (!now) return false;
    const bool same = *now == bytes;
    explicit_bzero(now->data(), now->size());
    return same;
}

Result<bool> TakenPlaces::take(const std::string& path, const std::string& name, std::string_view bytes) {
    auto digest = sha256_of(bytes);
    const auto [holder, is_new] = holders_.try_emplace(path, Holder{name, digest});
    if (is_new || holder->second.digest == digest) return is_new;
    return Error{
        Code::differs,
        fmt::format("{} and {} both belong in {}, and are not the same", holder->second.name, name, path),
        "if the file has just been replaced, try again; else name two files in the configuration"};
}

}  // namespace stowage::cli
