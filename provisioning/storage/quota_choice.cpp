// Looking at the filesystem, and what to do where quotas are off.
// Runs in: root_step.
#include "provisioning/storage/quota_choice.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <vector>

#include "gateway/base/atomic_file.hpp"
#include "provisioning/storage/quota.hpp"
#include "provisioning/storage/subvolume.hpp"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

namespace stowage::storage {

namespace {

constexpr std::size_t superblock_offset = 1024, superblock_size = 1024;

long magic_of(const Fd& root) {
    struct statfs info {};
    return ::fstatfs(root.get(), &info) == 0 ? info.f_type : 0;
}

std::string_view name_of(const Fd& root) {
    if (is_cephfs(root)) return "CephFS";
    switch (magic_of(root)) {
        case BTRFS_SUPER_MAGIC:
            return "btrfs";
        case XFS_SUPER_MAGIC:
            return "XFS";
        case EXT4_SUPER_MAGIC:
            return "ext4";
        case TMPFS_MAGIC:
            return "tmpfs";
        default:
            return "a filesystem without quotas that stowage knows";
    }
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t number = 0;
    for (std::size_t i = size; i-- > 0;)
        number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
    return number;
}

std::optional<Ext4Features> features_on(const Mount& mount) {
    for (const auto& path : {mount.source, "/dev/block/" + mount.device}) {
        const Fd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        std::array<char, superblock_size> bytes{};
        if (!device || ::pread(device.get(), bytes.data(), bytes.size(), superblock_offset) !=
                           static_cast<ssize_t>(bytes.size()))
            continue;
        if (auto features = parse_ext4_superblock({bytes.data(), bytes.size()})) return features;
    }
    return std::nullopt;
}

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream stream{std::string(line)};
    return {std::istream_iterator<std::string>(stream), {}};
}

/// The line of fstab as it should be: what stands there already is kept.
std::string fstab_line(const Mount& mount, const std::string& type, const Surroundings& around) {
    for (std::string_view rest = around.fstab; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        auto words = words_of(line);
        if (words.size() < 4 || words[0].starts_with('#') || words[1] != mount.point) continue;
        if (("," + words[3] + ",").find(",prjquota,") == std::string::npos) words[3] += ",prjquota";
        return fmt::format("{}", fmt::join(words, " "));
    }
    return fmt::format("{} {} {} defaults,nosuid,nodev,prjquota 0 0",
                       around.uuid.empty() ? mount.source : "UUID=" + around.uuid, mount.point, type);
}

/// "the fstab line, unmount, what is done in between, mount"
std::string by_mounting_again(const Mount& mount, const std::string& type, const std::string& between,
                              const Surroundings& around) {
    return fmt::format(
        "in /etc/fstab: `{0}`; then `systemctl stop stowage{1}; umount {2}{3}; mount {2}; systemctl "
        "start{1} stowage` (a remount does not switch them on)",
        fstab_line(mount, type, around), around.has_kernel_nfsd ? " nfs-server" : "", mount.point, between);
}

/// The name of the link to it.
std::string uuid_of(const std::string& device) {
    std::error_code failed;
    for (std::filesystem::directory_iterator link("/dev/disk/by-uuid", failed), end; !failed && link != end;
         link.increment(failed)) {
        std::error_code broken;
        if (std::filesystem::equivalent(link->path(), device, broken) && !broken)
            return link->path().filename().string();
    }
    return {};
}

Surroundings look_around(const Mount& mount) {
    Surroundings around;
    if (auto fstab = read_file("/etc/fstab")) around.fstab = std::move(*fstab);
    around.uuid = uuid_of(mount.source);
    const auto threads = read_file("/proc/fs/nfsd/threads", 64);
    around.has_kernel_nfsd = threads && !threads->empty() && threads->front() != '0';
    return around;
}

std::string remedy_for(const Fd& root, bool xfs) {
    const auto mounts = read_mounts();
    if (!mounts) return "mount it with the option prjquota";
    const auto mount = mount_of(root, *mounts);
    if (!mount) return "mount it with the option prjquota";
    const auto around = look_around(*mount);
    return xfs ? switch_on_xfs(*mount, around) : switch_on_ext4(*mount, features_on(*mount), around);
}

/// What this filesystem enforces by itself; `none`, and how to change that.
QuotaChosen look(const Fd& root) {
    if (is_btrfs(root)) {
        const auto simple = has_simple_quotas(root);
        return {QuotaBackend::btrfs, simple && *simple
                                         ? "labs.root is on btrfs, with simple quotas on: a subvolume per lab"
                                         : "labs.root is on btrfs: a subvolume per lab"};
    }
    if (is_cephfs(root))
        return {QuotaBackend::cephfs, "labs.root is on CephFS: quotas of directories, kept by its clients"};
    const auto magic = magic_of(root);
    const bool xfs = magic == XFS_SUPER_MAGIC;
    if (!xfs && magic != EXT4_SUPER_MAGIC)
        return {QuotaBackend::none, fmt::format("labs.root is on {}", name_of(root)),
                "put the labs on XFS, ext4, btrfs or CephFS"};
    if (enforces_projects(root))
        return {xfs ? QuotaBackend::xfs : QuotaBackend::ext4,
                fmt::format("labs.root is on {}, with project quotas on: a project per lab", name_of(root))};
    return {QuotaBackend::none, fmt::format("labs.root is on {}, with project quotas off", name_of(root)),
            remedy_for(root, xfs)};
}

std::optional<QuotaBackend> backend_named(QuotaChoice choice) {
    switch (choice) {
        case QuotaChoice::btrfs:
            return QuotaBackend::btrfs;
        case QuotaChoice::xfs:
            return QuotaBackend::xfs;
        case QuotaChoice::ext4:
            return QuotaBackend::ext4;
        case QuotaChoice::cephfs:
            return QuotaBackend::cephfs;
        case QuotaChoice::none:
            return QuotaBackend::none;
        case QuotaChoice::automatic:
            break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Ext4Features> parse_ext4_superblock(std::string_view bytes) {
    constexpr std::size_t magic = 0x38, inode_size = 0x58, ro_compat = 0x64;
    constexpr std::uint32_t quota_bit = 0x0100, project_bit = 0x2000;
    if (bytes.size() < ro_compat + 4 || little_endian(bytes, magic, 2) != EXT4_SUPER_MAGIC)
        return std::nullopt;
    const auto features = little_endian(bytes, ro_compat, 4);
    return Ext4Features{(features & project_bit) != 0, (features & quota_bit) != 0,
                        little_endian(bytes, inode_size, 2) >= 256};
}

std::string switch_on_xfs(const Mount& mount, const Surroundings& around) {
    if (mount.point == "/")
        return "add rootflags=prjquota to GRUB_CMDLINE_LINUX in /etc/default/grub, run `update-grub`, and "
               "reboot; better: give the labs a filesystem of their own";
    return by_mounting_again(mount, "xfs", "", around);
}

std::string switch_on_ext4(const Mount& mount, const std::optional<Ext4Features>& features,
                           const Surroundings& around) {
    if (features && !features->wide_inodes)
        return "this ext4 has inodes of 128 bytes, which cannot bear a project: make a new filesystem "
               "(`mkfs.ext4 -O quota,project -E quotatype=prjquota`) and copy the labs";
    const auto tune = fmt::format("tune2fs -O project,quota -Q prjquota {}", mount.source);
    const bool prepared = features && features->projects && features->quotas;
    if (mount.point == "/")
        return fmt::format(
            "from a rescue system: `{}`; then rootflags=prjquota on the kernel's command line; "
            "better: give the labs a filesystem of their own",
            tune);
    return by_mounting_again(mount, "ext4", prepared ? "" : "; " + tune, around);
}

Result<QuotaChosen> choose_quota(const Fd& root, QuotaChoice choice) {
    if (choice == QuotaChoice::none)
        return QuotaChosen{QuotaBackend::none, "labs.quota_backend says so", "set it to auto"};
    auto seen = look(root);
    const auto wanted = backend_named(choice);
    if (!wanted || *wanted == seen.backend) return seen;
    const bool off = seen.backend == QuotaBackend::none;
    return Error{Code::unsupported,
                 fmt::format("labs.quota_backend asks for another filesystem or for quotas that are off: {}",
                             seen.why),
                 off ? seen.remedy + "; or set labs.quota_backend to auto or none"
                     : "set labs.quota_backend to auto, or mount the right filesystem on labs.root"};
}

}  // namespace stowage::storage
