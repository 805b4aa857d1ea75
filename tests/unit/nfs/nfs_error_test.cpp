// libnfs' error texts, as version 4.0.0 gave them.
// Runs in: unit tests.
#include "nfs/check/nfs_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace stowage::nfs {

using ::testing::HasSubstr;

TEST(NfsError, TokenIsFound) {
    EXPECT_EQ(error_token("NFS4: (path /) failed with NFS4ERR_BAD_SEQID(-22)"), "NFS4ERR_BAD_SEQID");
    EXPECT_EQ(
        error_token("write call failed with \"NFS4: WRITE (path (null)) failed with NFS4ERR_DQUOT(-34)\""),
        "NFS4ERR_DQUOT");
    EXPECT_EQ(error_token("NFS3ERR_NOSPC"), "NFS3ERR_NOSPC");
    EXPECT_EQ(error_token("Socket failed with POLLHUP"), "");
}

TEST(NfsError, TokenDecidesNotTheNumber) {
    EXPECT_EQ(nfs_error(-ERANGE, "failed with NFS4ERR_DQUOT(-34)", "write").code, Code::over_quota);
    EXPECT_EQ(nfs_error(-EFAULT, "failed with NFS3ERR_DQUOT(-14)", "write").code, Code::over_quota);
    EXPECT_EQ(nfs_error(-ENOENT, "failed with NFS4ERR_NOENT(-2)", "mount").code, Code::not_found);
    EXPECT_EQ(nfs_error(-EROFS, "failed with NFS4ERR_ROFS(-30)", "create").code, Code::denied);
    EXPECT_EQ(nfs_error(-ERANGE, "failed with NFS4ERR_GRACE(-34)", "create").code, Code::unavailable);
    EXPECT_EQ(nfs_error(-ERANGE, "failed with NFS4ERR_BADXDR(-34)", "create").code, Code::io);
}

TEST(NfsError, NumberWithoutToken) {
    EXPECT_EQ(nfs_error(-EINTR, "Command timed out", "read").code, Code::timeout);
    EXPECT_EQ(nfs_error(-EFAULT, "Socket failed with POLLHUP", "mount").code, Code::unavailable);
    EXPECT_THAT(nfs_error(-EINVAL, "", "mount x").what, HasSubstr("mount x: failed"));
}

TEST(NfsError, ALabAtItsLimitIsFullAndTheWholeStorageIsNot) {
    const auto quota = nfs_error(-ERANGE, "failed with NFS4ERR_DQUOT(-34)", "create");
    const auto space = nfs_error(-ERANGE, "failed with NFS4ERR_NOSPC(-28)", "create");
    EXPECT_TRUE(is_full(quota, false));
    EXPECT_TRUE(is_full(space, true));
    EXPECT_FALSE(is_full(space, false));
    EXPECT_FALSE(is_full(nfs_error(-ENOENT, "failed with NFS4ERR_NOENT(-2)", "mount"), true));
}

}  // namespace stowage::nfs
