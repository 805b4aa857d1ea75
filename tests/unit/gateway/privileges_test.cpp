// Giving everything away, inside a root directory whose files somebody forged. Needs root.
#include "gateway/base/privileges.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace stowage::privileges {

namespace {

namespace fs = std::filesystem;

/// A lab in which a pod has made a /proc.
class ForgedProc {
  public:
    ForgedProc() {
        if (!::mkdtemp(path_)) throw std::runtime_error("no directory");
        fs::create_directories(path() + "/proc/sys/kernel");
        std::ofstream(path() + "/proc/sys/kernel/cap_last_cap") << "0\n";
        for (const auto* process : {"self", "thread-self", "1"}) {
            fs::create_directories(path() + "/proc/" + process);
            std::ofstream(path() + "/proc/" + process + "/status") << "CapBnd:\t0000000000000000\n";
        }
    }
    ~ForgedProc() { fs::remove_all(path()); }
    ForgedProc(const ForgedProc&) = delete;
    ForgedProc& operator=(const ForgedProc&) = delete;
    std::string path() const { return path_; }

  private:
    char path_[64] = "/tmp/stowage-forged-XXXXXX";
};

/// The kernel's word, capability by capability.
int count_in_bounding_set() {
    int count = 0;
    for (int cap = 0; cap < 64; ++cap)
        count += ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
    return count;
}

/// Exit status: how many capabilities are left in the bounding set; 100 when become() failed.
[[noreturn]] void become_in(const std::string& root, std::initializer_list<int> keep) {
    if (!enter_root(root)) ::_exit(101);
    if (!become(65534, 65534, keep)) ::_exit(100);
    ::_exit(count_in_bounding_set());
}

}  // namespace

// Fails when the capabilities that there are, or are left, are read from /proc.
TEST(Become, TakesNoWordOfFilesInTheNewRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const ForgedProc lab;
    EXPECT_EXIT(become_in(lab.path(), {}), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(become_in(lab.path(), {CAP_NET_BIND_SERVICE}), testing::ExitedWithCode(1), "");
}

// Taken out one by one, each with the look whether it is done (setgroups(), the saved uid): each fails.
TEST(Become, LeavesNoWayBack) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const auto tries = [] {
        const gid_t others[] = {1, 2};
        if (::setgroups(std::size(others), others) != 0) return 101;
        if (!become(65534, 65534, {CAP_NET_BIND_SERVICE})) return 100;
        if (::setuid(0) == 0 || ::setgid(0) == 0 || ::chroot("/") == 0) return 1;
        if (::getgroups(0, nullptr) != 0) return 2;
        return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
    };
    EXPECT_EXIT(::_exit(tries()), testing::ExitedWithCode(0), "");
}

}  // namespace stowage::privileges
