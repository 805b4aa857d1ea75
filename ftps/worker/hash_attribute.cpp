// Layout of the attribute, 57 bytes, so that it fits into an ext4 inode: '1', the SHA-256, the ctime in ns
// (little endian), the first 16 bytes of the tag.
// Runs in: worker.
#include "ftps/worker/hash_attribute.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/xattr.h>

namespace stowage::ftps {

namespace {

constexpr char version = '1';
constexpr std::size_t hash_bytes = 32, time_bytes = 8, tag_bytes = 16;
constexpr std::size_t value_bytes = 1 + hash_bytes + time_bytes + tag_bytes;
// Preempted between two system calls, it tries again.
constexpr int attempts = 5;

std::int64_t nanoseconds(const timespec& time) {
    // Wraps for times far from ours; it is only compared.
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
                                     static_cast<std::uint64_t>(time.tv_nsec));
}

void append(std::string& out, std::uint64_t number) {
    for (std::size_t i = 0; i < time_bytes; ++i)
        out += static_cast<char>(number >> (8 * i));
}

std::int64_t time_in(const std::string& value) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < time_bytes; ++i)
        number |= static_cast<std::uint64_t>(static_cast<unsigned char>(value[1 + hash_bytes + i]))
                  << (8 * i);
    return static_cast<std::int64_t>(number);
}

bool set_within_slack(std::int64_t before, const struct stat& now) {
    const auto passed =
        static_cast<std::uint64_t>(nanoseconds(now.st_ctim)) - static_cast<std::uint64_t>(before);
    return passed <= static_cast<std::uint64_t>(HashAttribute::ctime_slack_ns);
}

}  // namespace

bool same_content(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

bool untouched(const struct stat& a, const struct stat& b) {
    return same_content(a, b) && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

HashAttribute::~HashAttribute() {
    OPENSSL_cleanse(key_.data(), key_.size());
}

std::string HashAttribute::value(const struct stat& seen, const std::string& sha256) const {
    const auto ctime = static_cast<std::uint64_t>(nanoseconds(seen.st_ctim));
    std::string text = "stowage sha256 1" + sha256;
    append(text, seen.st_ino);
    append(text, static_cast<std::uint64_t>(seen.st_size));
    append(text, static_cast<std::uint64_t>(nanoseconds(seen.st_mtim)));
    append(text, ctime);
    std::array<unsigned char, EVP_MAX_MD_SIZE> tag{};
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), tag.data(), &size))
        throw Fatal({Code::internal, "OpenSSL cannot make an HMAC"});
    std::string out(1, version);
    out += sha256;
    append(out, ctime);
    out.append(reinterpret_cast<const char*>(tag.data()), tag_bytes);
    return out;
}

std::optional<std::string> HashAttribute::recall(const Fd& file) const {
    struct stat seen {};
    return recall(file, seen);
}

std::optional<std::string> HashAttribute::recall(const Fd& file, struct stat& seen) const {
    std::array<char, value_bytes + 1> read{};
    // The attribute first: a change between the two calls moves the ctime away from it.
    const auto size = ::fgetxattr(file.get(), name, read.data(), read.size());
    if (size < 0 || ::fstat(file.get(), &seen) != 0) return {};
    return believed({read.data(), static_cast<std::size_t>(size)}, seen);
}

std::optional<std::string> HashAttribute::believed(std::string_view attribute,
                                                   const struct stat& seen) const {
    if (attribute.size() != value_bytes) return {};
    const std::string there(attribute);
    const auto ctime = time_in(there);
    if (!set_within_slack(ctime, seen)) return {};
    auto then = seen;
    then.st_ctim = {static_cast<time_t>(ctime / 1'000'000'000), static_cast<long>(ctime % 1'000'000'000)};
    auto sha256 = there.substr(1, hash_bytes);
    const auto wanted = value(then, sha256);
    if (CRYPTO_memcmp(wanted.data(), there.data(), value_bytes) != 0) return {};
    return sha256;
}

void HashAttribute::remember(const Fd& file, const struct stat& seen, const std::string& sha256) const {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        struct stat before {
        }, after{};
        // The attribute's own writing moves the ctime.
        const bool same = ::fstat(file.get(), &before) == 0 &&
                          (attempt == 0 ? untouched(before, seen) : same_content(before, seen));
        if (!same) return;
        const auto text = value(before, sha256);
        if (::fsetxattr(file.get(), name, text.data(), text.size(), 0) != 0) return;
        if (::fstat(file.get(), &after) != 0) return;
        if (set_within_slack(nanoseconds(before.st_ctim), after)) return;
    }
}

Result<void> HashAttribute::keep(const Result<Fd>& file, bool sets_mtime,
                                 const std::function<Result<void>()>& change) const {
    struct stat before {
    }, after{};
    const auto sha256 = file ? recall(*file, before) : std::nullopt;
    auto changed = change();
    if (!changed || !sha256 || ::fstat(file->get(), &after) != 0) return changed;
    if (sets_mtime) before.st_mtim = after.st_mtim;
    if (same_content(before, after)) remember(*file, after, *sha256);
    return changed;
}

}  // namespace stowage::ftps
