// What is said where quotas are off.
#include "provisioning/storage/quota_choice.hpp"

#include <gmock/gmock.h>

namespace stowage::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string superblock(std::uint32_t ro_compat, unsigned char inode_size_high) {
    std::string bytes(1024, '\0');
    bytes[0x38] = 0x53;
    bytes[0x39] = static_cast<char>(0xef);
    bytes[0x59] = static_cast<char>(inode_size_high);
    bytes[0x58] = static_cast<char>(inode_size_high ? 0 : 128);
    for (int i = 0; i < 4; ++i)
        bytes[0x64 + i] = static_cast<char>(ro_compat >> (8 * i));
    return bytes;
}

Mount labs_mount() {
    Mount mount;
    mount.device = "254:16";
    mount.point = "/mnt/nfs";
    mount.source = "/dev/vdb1";
    return mount;
}

TEST(Ext4Superblock, TellsItsFeatures) {
    const auto both = parse_ext4_superblock(superblock(0x2100, 1));
    ASSERT_TRUE(both);
    EXPECT_TRUE(both->projects && both->quotas && both->wide_inodes);
    const auto quota = parse_ext4_superblock(superblock(0x0100, 1));
    EXPECT_TRUE(quota->quotas && !quota->projects);
    EXPECT_FALSE(parse_ext4_superblock(superblock(0, 0))->wide_inodes);
}

TEST(Ext4Superblock, OfSomethingElseIsNone) {
    EXPECT_FALSE(parse_ext4_superblock(std::string(1024, '\0')));
    EXPECT_FALSE(parse_ext4_superblock(""));
    EXPECT_FALSE(parse_ext4_superblock(superblock(0, 1).substr(0, 0x66)));
}

TEST(SwitchOn, NamesTheLineOfFstabAndTheCommands) {
    const auto xfs = switch_on_xfs(labs_mount(), {});
    EXPECT_THAT(xfs, HasSubstr("`/dev/vdb1 /mnt/nfs xfs defaults,nosuid,nodev,prjquota 0 0`"));
    EXPECT_THAT(xfs, HasSubstr("umount /mnt/nfs; mount /mnt/nfs"));
    const auto ext4 = switch_on_ext4(labs_mount(), Ext4Features{}, {});
    EXPECT_THAT(ext4,
                HasSubstr("umount /mnt/nfs; tune2fs -O project,quota -Q prjquota /dev/vdb1; mount /mnt/nfs"));
    EXPECT_THAT(switch_on_ext4(labs_mount(), std::nullopt, {}), HasSubstr("tune2fs"));
}

TEST(SwitchOn, KeepsTheLineThatIsThereAndNamesTheDiskByItsUuid) {
    const Surroundings around{"# /mnt/nfs x y z\nUUID=1-2 /mnt/nfs xfs nosuid,nofail 0 2\n", "ab-cd", false};
    EXPECT_THAT(switch_on_xfs(labs_mount(), around),
                HasSubstr("`UUID=1-2 /mnt/nfs xfs nosuid,nofail,prjquota 0 2`"));
    EXPECT_THAT(switch_on_xfs(labs_mount(), {"", "ab-cd", false}), HasSubstr("`UUID=ab-cd /mnt/nfs xfs "));
}

TEST(SwitchOn, StopsTheKernelsServerWhichHoldsTheFilesystem) {
    for (const auto& text :
         {switch_on_xfs(labs_mount(), {}), switch_on_ext4(labs_mount(), Ext4Features{}, {})}) {
        EXPECT_THAT(text, HasSubstr("systemctl stop stowage nfs-server; umount /mnt/nfs"));
        EXPECT_THAT(text, HasSubstr("mount /mnt/nfs; systemctl start nfs-server stowage"));
    }
    EXPECT_THAT(switch_on_xfs(labs_mount(), {"", "", false}), Not(HasSubstr("nfs-server")));
}

TEST(SwitchOn, LeavesOutWhatTheFilesystemHasAlready) {
    EXPECT_THAT(switch_on_ext4(labs_mount(), Ext4Features{true, true}, {}), Not(HasSubstr("tune2fs")));
    EXPECT_THAT(switch_on_ext4(labs_mount(), Ext4Features{true, false}, {}), HasSubstr("tune2fs"));
}

TEST(SwitchOn, OfTheRootFilesystemTakesTheKernelsCommandLine) {
    auto mount = labs_mount();
    mount.point = "/";
    EXPECT_THAT(switch_on_xfs(mount, {}), HasSubstr("rootflags=prjquota"));
    EXPECT_THAT(switch_on_ext4(mount, Ext4Features{}, {}), HasSubstr("rescue system"));
}

TEST(SwitchOn, OfNarrowInodesCannotBeDone) {
    EXPECT_THAT(switch_on_ext4(labs_mount(), Ext4Features{false, false, false}, {}),
                HasSubstr("make a new filesystem"));
}

}  // namespace
}  // namespace stowage::storage
