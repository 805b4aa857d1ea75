// Namespaces, loop devices, children.
#include "tests/system/storage/filesystem_rig.hpp"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace stowage::storage {

bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

void FilesystemRig::SetUp() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        GTEST_SKIP() << "no mount namespace can be had here";
    char pattern[] = "/tmp/stowage-labs-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    ::chmod(folder_.c_str(), 0755);  // the lab's children must get in
    root_ = folder_ + "/labs";
    std::filesystem::create_directory(root_);
    if (!on_btrfs()) {
        ASSERT_TRUE(run("mount -t tmpfs -o size=256M,mode=0755 none " + root_));
        return;
    }
    const auto image = folder_ + "/image";
    if (!run("truncate -s 512M " + image + " && mkfs.btrfs -q " + image))
        GTEST_SKIP() << "mkfs.btrfs is not installed";
    // -o loop lets the device go with the last mount.
    if (!run("mount -t btrfs -o loop " + image + " " + root_))
        GTEST_SKIP() << "no btrfs on a loop device here";
}

void FilesystemRig::TearDown() {
    if (root_.empty()) return;
    while (::umount2(root_.c_str(), MNT_DETACH) == 0) {
    }
    std::filesystem::remove_all(folder_);
}

int as_lab(const std::function<int()>& work, uid_t uid) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const bool changed = ::setgroups(0, nullptr) == 0 && ::setgid(uid) == 0 && ::setuid(uid) == 0;
        ::_exit(changed ? work() : 99);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

bool kill_during(const std::function<void()>& work, unsigned microseconds) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        work();
        ::_exit(0);
    }
    ::usleep(microseconds);
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

}  // namespace stowage::storage
