// Namespaces, loop devices, children.
#include "tests/system/storage/filesystem_rig.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/btrfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
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
    mount_filesystem();
}

namespace {

/// How a parameter is made and mounted on a loop device.
struct Recipe {
    std::string_view name;
    const char *make, *options;
};

constexpr Recipe recipes[] = {
    {"btrfs", "mkfs.btrfs -q", "loop"},
    {"btrfs-simple", "mkfs.btrfs -q", "loop"},
    {"xfs", "mkfs.xfs -q", "loop,prjquota"},
    {"xfs-off", "mkfs.xfs -q", "loop"},
    {"ext4", "mkfs.ext4 -q -O quota,project -E quotatype=prjquota", "loop,prjquota"},
    {"ext4-off", "mkfs.ext4 -q", "loop"},
};

/// As `btrfs quota enable --simple` does it, which Debian 12's btrfs-progs do not know.
bool switch_simple_quotas_on(const std::string& root) {
    constexpr std::uint64_t enable_simple_quota = 4;
    const Fd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    btrfs_ioctl_quota_ctl_args control{};
    control.cmd = enable_simple_quota;
    return ::ioctl(fd.get(), BTRFS_IOC_QUOTA_CTL, &control) == 0;
}

}  // namespace

void FilesystemRig::mount_filesystem() {
    if (on("tmpfs")) {
        ASSERT_TRUE(run("mount -t tmpfs -o size=256M,mode=0755 none " + root_));
        return;
    }
    if (on("cephfs")) {
        // tests/system/storage/quotas-hold-on-cephfs.py starts one and runs the tests with it.
        const char* mounted = std::getenv("STOWAGE_TEST_CEPHFS");
        if (!mounted) GTEST_SKIP() << "no CephFS is mounted for the tests (STOWAGE_TEST_CEPHFS)";
        const auto own = std::string(mounted) + "/" + std::filesystem::path(folder_).filename().string();
        ASSERT_TRUE(run("mkdir " + own + " && mount --bind " + own + " " + root_));
        return;
    }
    for (const auto& [name, make, options] : recipes) {
        if (!on(name)) continue;
        const std::string program = make;
        if (!run("command -v " + program.substr(0, program.find(' '))))
            GTEST_SKIP() << program.substr(0, program.find(' ')) << " is not installed";
        ASSERT_TRUE(run("truncate -s 512M " + image() + " && " + program + " " + image()));
        // -o loop lets the device go with the last mount.
        if (!run(std::string("mount -o ") + options + " " + image() + " " + root_))
            GTEST_SKIP() << "this kernel has no " << name << " with these options: " << options;
        // mkfs.ext4's own; an administrator keeps it, the tests count what is in the root.
        std::filesystem::remove(root_ + "/lost+found");
        if (on("btrfs-simple") && !switch_simple_quotas_on(root_))
            GTEST_SKIP() << "this kernel has no simple quotas of btrfs (Linux 6.7)";
    }
}

void FilesystemRig::TearDown() {
    if (root_.empty()) return;
    while (::umount2(root_.c_str(), MNT_DETACH) == 0) {
    }
    std::filesystem::remove_all(folder_);
}

namespace {

bool become(uid_t uid) {
    return ::setgroups(0, nullptr) == 0 && ::setgid(uid) == 0 && ::setuid(uid) == 0;
}

}  // namespace

int as_lab(const std::function<int()>& work, uid_t uid) {
    return in_child([&] { return become(uid) ? work() : 99; });
}

int in_child(const std::function<int()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(work());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

MemberAtWork::MemberAtWork(const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    if (become(lab_uid) && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) work();
    ::_exit(1);
}

void MemberAtWork::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
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
