// What the mount check finds, and what it leaves behind: nothing.
// Runs in: system tests, as root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/system/nfs/breaking_proxy.hpp"
#include "tests/system/nfs/running_ganesha.hpp"
#include "tests/system/nfs/silent_filesystem.hpp"

namespace stowage::nfs::testing {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class MountCheckOfGanesha : public RunningGanesha {};

TEST_F(MountCheckOfGanesha, TakesItsFileAwayAfterALostConnection) {
    const auto lab = run->make_lab("lab1", 101);
    ASSERT_TRUE(publish(exporter, lab));
    const auto file = lab.path + "/.stowage-check";
    const BreakingProxy proxy(run->config.nfs.port, [&] { return std::filesystem::exists(file); });
    auto request = run->request(lab);
    request.port = proxy.port();
    const auto report = check(request);
    EXPECT_TRUE(proxy.has_broken());
    EXPECT_FALSE(report.ok());
    EXPECT_THAT(step(report, "removed"), StartsWith("ok: ")) << report.error.text();
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(MountCheckOfGanesha, ComparesTheSizeThatClientsSeeWithTheLimit) {
    if (const auto reason = enter_own_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    run->kill_ganesha();
    const auto path = run->directory() + "/labs/lab1";
    std::filesystem::create_directory(path);
    ASSERT_EQ(::mount("lab1", path.c_str(), "tmpfs", 0, "size=64m"), 0);
    const auto lab = run->make_lab("lab1", 101);
    run->start_ganesha();
    const auto published = publish(exporter, lab);
    ASSERT_TRUE(published) << published.error().text();
    auto request = run->request(lab);
    const auto seen = [&](std::uint64_t limit, bool is_shown) {
        request.quota_bytes = limit;
        request.quota_is_shown = is_shown;
        return step(check(request), "quota seen");
    };
    EXPECT_EQ(seen(0, true), "") << "no limit";
    EXPECT_EQ(seen(64 << 20, true), "ok: clients see 64MiB in all, the limit is 64MiB");
    EXPECT_EQ(seen(1 << 30, true), "ok: clients see 64MiB in all, the limit is 1GiB") << "a smaller disk";
    EXPECT_THAT(seen(32 << 20, true),
                StartsWith("failed: clients see 64MiB in all instead of the lab's limit of 32MiB"));
    EXPECT_THAT(seen(32 << 20, false), StartsWith("ok: not shown: "));
    request.read_only = true;
    EXPECT_THAT(seen(32 << 20, true), StartsWith("failed: "));
    run->kill_ganesha();
    ::umount2(path.c_str(), MNT_DETACH);
}

TEST(MountCheck, SilentServerEndsAtTheLimit) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::listen(listener.get(), 8), 0);  // binds to a free port; accepts nothing
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto start = std::chrono::steady_clock::now();
    const auto report = check({.server = "127.0.0.1",
                               .port = ntohs(address.sin_port),
                               .path = "/mnt/nfs/lab1",
                               .uid = 1,
                               .gid = 1,
                               .limit = std::chrono::seconds(2)});
    EXPECT_LE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(2200));
    EXPECT_FALSE(report.ok());
    EXPECT_EQ(report.error.code, Code::timeout);
}

TEST(MountCheck, NobodyThereIsUnavailable) {
    const auto report =
        check({.server = "127.0.0.1", .port = free_port(), .path = "/mnt/nfs/lab1", .uid = 1, .gid = 1});
    EXPECT_EQ(report.error.code, Code::unavailable) << report.error.text();
}

}  // namespace stowage::nfs::testing
