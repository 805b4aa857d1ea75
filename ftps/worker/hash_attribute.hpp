// The SHA-256 of a file, kept in an extended attribute of that file, so that HASH need not read it again.
// Runs in: worker. Distrusts: the attribute: pods may write it as they like (RFC 8276), and the file too.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// What an attribute says is believed only if all of this holds:
///  - it carries a tag that only this gateway can make (HMAC-SHA-256 with a key of the lab, which root keeps
///    outside of it), over the hash, the inode, its size, its mtime in ns, and a ctime;
///  - size and mtime are still those;
///  - the file's ctime, which nobody can set, is at most `ctime_slack` after the one in the attribute.
/// So a pod can neither forge a hash nor change the file and set its mtime back – unless it does all of that
/// within the slack after the attribute was written. It says what the gateway had read or received: one that
/// writes into an upload before that is complete changes a file whose hash is then kept. Everything else only
/// costs a new reading: a copy of the file, a rename, chmod or new hard link over NFS, a filesystem without
/// extended attributes.
class HashAttribute {
  public:
    using Key = std::array<std::uint8_t, 32>;

    /// The time between reading the ctime and its being set again by the attribute itself.
    static constexpr std::int64_t ctime_slack_ns = 20'000'000;
    static constexpr const char* name = "user.sha256";

    explicit HashAttribute(const Key& key) : key_(key) {}
    ~HashAttribute();
    HashAttribute(const HashAttribute&) = delete;
    HashAttribute& operator=(const HashAttribute&) = delete;

    /// The hash of the whole file (32 bytes), if the attribute may be believed. Any thread; may block.
    std::optional<std::string> recall(const Fd& file) const;
    /// With what the file was when it had this hash.
    std::optional<std::string> recall(const Fd& file, struct stat& seen) const;
    /// The hash that these bytes of an attribute tell of a file, if they may be believed.
    std::optional<std::string> believed(std::string_view attribute, const struct stat& seen) const;
    /// Writes the attribute, if size, mtime and ctime still are those of `seen`: whoever calls it looked when
    /// all of its own changes were done. The bytes are on the disk, or will be before the file has a name: an
    /// attribute that gets there first would vouch for zeros after a power cut. It does without where that
    /// cannot be. Any thread; may block.
    void remember(const Fd& file, const struct stat& seen, const std::string& sha256) const;

    /// Runs `change`, which gives the file another name, mode or, if `sets_mtime`, mtime: an attribute that
    /// was good before is good afterwards. (A pod's first write to the file between the two looks at its
    /// mtime, a matter of microseconds, would be hidden by an mtime that a client set: by that alone, too.)
    Result<void> keep(const Result<Fd>& file, bool sets_mtime,
                      const std::function<Result<void>()>& change) const;

  private:
    std::string value(const struct stat& seen, const std::string& sha256) const;

    Key key_;
};

/// Same file, same size, same mtime.
bool same_content(const struct stat& a, const struct stat& b);
/// And same ctime, which nobody can set.
bool untouched(const struct stat& a, const struct stat& b);

}  // namespace stowage::ftps
