// Who may administer.
// Runs in: unit tests.
#include "gateway/controller/control/peer.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/fd.hpp"

namespace stowage::controller {
namespace {

constexpr gid_t admins = 4711;

TEST(Peer, RootAndMembersMayAndNobodyElse) {
    EXPECT_TRUE(check_may_administer({1, 0, 0, {}}, admins));
    EXPECT_TRUE(check_may_administer({1, 1000, admins, {}}, admins));
    EXPECT_TRUE(check_may_administer({1, 1000, 1000, {5, admins}}, admins));
    const auto refused = check_may_administer({1, 1000, 1000, {5, 6}}, admins);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
}

TEST(Peer, TheKernelSaysWhoItIs) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Fd ours(ends[0]), theirs(ends[1]);
    const auto peer = or_throw(peer_of(ours.get()));
    EXPECT_EQ(peer.pid, ::getpid());
    EXPECT_EQ(peer.uid, ::geteuid());
    EXPECT_EQ(peer.gid, ::getegid());
    EXPECT_EQ(peer.groups.size(), static_cast<std::size_t>(::getgroups(0, nullptr)));
}

TEST(Peer, WhatIsNoSocketHasNoPeer) {
    EXPECT_FALSE(peer_of(0));
}

}  // namespace
}  // namespace stowage::controller
