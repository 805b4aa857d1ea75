// The extended attribute that holds a default ACL.
// Runs in: root_step. Distrusts: what the attribute holds.
#include "provisioning/storage/others.hpp"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace stowage::storage {

namespace {

constexpr const char* attribute = "system.posix_acl_default";
constexpr std::size_t most_entries = 256;

struct Acl {
    posix_acl_xattr_header header;
    std::array<posix_acl_xattr_entry, most_entries> entries;
};

posix_acl_xattr_entry entry(std::uint16_t tag, std::uint16_t rights) {
    posix_acl_xattr_entry e{};
    e.e_tag = htole16(tag);
    e.e_perm = htole16(rights);
    e.e_id = htole32(static_cast<std::uint32_t>(ACL_UNDEFINED_ID));
    return e;
}

enum class Seen { none, gives_others_rights, gives_others_none, impossible };

Seen look_at(const Fd& directory) {
    Acl acl{};
    const auto size = ::fgetxattr(directory.get(), attribute, &acl, sizeof acl);
    if (size < 0) return errno == EOPNOTSUPP ? Seen::impossible : Seen::none;
    const auto bytes = static_cast<std::size_t>(size);
    if (bytes < sizeof acl.header) return Seen::none;
    const auto count = (bytes - sizeof acl.header) / sizeof acl.entries[0];
    for (std::size_t i = 0; i < count; ++i)
        if (le16toh(acl.entries[i].e_tag) == ACL_OTHER)
            return acl.entries[i].e_perm == 0 ? Seen::gives_others_none : Seen::gives_others_rights;
    return Seen::none;
}

}  // namespace

bool is_open_to_others(const Fd& directory) {
    const auto seen = look_at(directory);
    return seen == Seen::none || seen == Seen::gives_others_rights;
}

Result<void> keep_others_out(const Fd& directory, const std::string& what) {
    if (!is_open_to_others(directory)) return {};
    Acl acl{};
    acl.header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
    constexpr std::uint16_t all = ACL_READ | ACL_WRITE | ACL_EXECUTE;
    acl.entries[0] = entry(ACL_USER_OBJ, all);
    acl.entries[1] = entry(ACL_GROUP_OBJ, all);
    acl.entries[2] = entry(ACL_OTHER, 0);
    const auto size = sizeof acl.header + 3 * sizeof acl.entries[0];
    if (::fsetxattr(directory.get(), attribute, &acl, size, 0) != 0 && errno != EOPNOTSUPP)
        return system_error(errno, "set the default ACL of " + what);
    return {};
}

}  // namespace stowage::storage
