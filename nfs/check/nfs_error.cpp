// One table from NFS error tokens to codes and remedies.
// Runs in: controller.
#include "nfs/check/nfs_error.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace stowage::nfs {

namespace {

struct Meaning {
    std::string_view token;  // without "NFS4ERR_"
    Code code;
    std::string_view words, remedy;
};

constexpr Meaning meanings[] = {
    {"NOENT", Code::not_found, "no such path, or it is not exported to this address",
     "publish the export, and put the address of the check (nfs.check_address) into the lab's clients"},
    {"ACCES", Code::denied, "permission denied", "look at the owner and mode of the directory"},
    {"ACCESS", Code::denied, "permission denied", "look at the owner and mode of the directory"},
    {"PERM", Code::denied, "not permitted",
     "the server may want a client port below 1024: give the controller CAP_NET_BIND_SERVICE"},
    {"WRONGSEC", Code::denied, "the export wants another security flavour", "export with sec=sys"},
    {"ROFS", Code::denied, "the export or its filesystem is read-only", "export it read-write"},
    {"DQUOT", Code::over_quota, "the lab's quota is used up", "delete files or raise the quota"},
    {"NOSPC", Code::no_space, "no space, or the lab's quota is used up", "delete files or raise the quota"},
    {"GRACE", Code::unavailable, "the server is in its grace period after a restart", "wait a minute"},
    {"STALE", Code::unavailable, "the server forgot the directory: it was exported anew or replaced",
     "try again"},
    {"EXIST", Code::exists, "it is there already", ""},
    {"IO", Code::io, "the server's filesystem failed", "look at the server's kernel log"},
    {"DELAY", Code::unavailable, "the server is busy", "try again"},
};

Code code_of_number(int number) {
    switch (number < 0 ? -number : number) {
        case EINTR:  // libnfs' word for its own time limit
        case ETIMEDOUT:
            return Code::timeout;
        case EIO:  // and for a refused or lost connection
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return Code::unavailable;
        case ENOENT:
            return Code::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return Code::denied;
        case ENOSPC:
            return Code::no_space;
        default:
            return Code::io;
    }
}

/// libnfs has no stable number for these: a refused connection came as EFAULT, "Socket failed with POLLHUP".
bool is_about_connection(std::string_view text) {
    for (const std::string_view word : {"ocket", "onnect", "POLLHUP", "POLLERR"})
        if (text.find(word) != std::string_view::npos) return true;
    return false;
}

}  // namespace

std::string_view error_token(std::string_view text) {
    for (const std::string_view prefix : {"NFS4ERR_", "NFS3ERR_"}) {
        const auto start = text.find(prefix);
        if (start == std::string_view::npos) continue;
        const auto token = text.substr(start);
        return token.substr(0, token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"));
    }
    return {};
}

Error nfs_error(int number, std::string_view text, std::string_view doing) {
    const auto token = error_token(text);
    for (const auto& meaning : meanings)
        if (!token.empty() && token.substr(8) == meaning.token)
            return {meaning.code, fmt::format("{}: {} ({})", doing, meaning.words, token),
                    std::string(meaning.remedy)};
    if (!token.empty()) return {Code::io, fmt::format("{}: {}", doing, token)};
    if (is_about_connection(text))
        return {Code::unavailable, fmt::format("{}: no connection to the NFS server ({})", doing, text),
                "look whether it runs, on that port, and whether a firewall is in between"};
    return {code_of_number(number), fmt::format("{}: {}", doing, text.empty() ? "failed" : text)};
}

bool is_full(const Error& error, bool at_limit) {
    return error.code == Code::over_quota || (at_limit && error.code == Code::no_space);
}

}  // namespace stowage::nfs
