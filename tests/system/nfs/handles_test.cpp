// NFS handles of labs behind NFS-Ganesha: what a pod keeps over a restart of the node.
// Runs in: system tests, as root.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

extern "C" {
#include <nfsc/libnfs.h>
// Not in its headers.
struct nfs_fh {
    int len;
    char* val;
};
const struct nfs_fh* nfs_get_rootfh(struct nfs_context* nfs);
}

#include "tests/system/nfs/ganesha_run.hpp"
#include "tests/system/nfs/silent_filesystem.hpp"

namespace stowage::nfs::testing {

namespace {

/// A file as a block device, with the next free number.
class LoopDevice {
  public:
    explicit LoopDevice(const std::string& file) {
        const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
        const Fd image(::open(file.c_str(), O_RDWR | O_CLOEXEC));
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        path_ = "/dev/loop" + std::to_string(number);
        device_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
        if (number < 0 || !image || ::ioctl(device_.get(), LOOP_SET_FD, image.get()) != 0) path_.clear();
    }
    ~LoopDevice() {
        if (!path_.empty()) (void)::ioctl(device_.get(), LOOP_CLR_FD);
    }
    LoopDevice(const LoopDevice&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    Fd device_;
};

struct ContextDeleter {
    void operator()(nfs_context* context) const { nfs_destroy_context(context); }
};

/// The handle of the lab's directory, and the fsid that clients see of it.
std::pair<std::string, std::uint64_t> identity(const GaneshaRun& run, const Export& lab) {
    const std::unique_ptr<nfs_context, ContextDeleter> context(nfs_init_context());
    const auto url =
        "nfs://127.0.0.1" + lab.path + "?version=4&nfsport=" + std::to_string(run.config.nfs.port);
    auto* parsed = nfs_parse_url_dir(context.get(), url.c_str());
    const bool mounted = parsed && nfs_mount(context.get(), parsed->server, parsed->path) == 0;
    if (parsed) nfs_destroy_url(parsed);
    nfs_statvfs_64 seen{};
    if (!mounted || nfs_statvfs64(context.get(), "/", &seen) != 0) return {};
    const auto* handle = nfs_get_rootfh(context.get());
    return {std::string(handle->val, static_cast<std::size_t>(handle->len)), seen.f_fsid};
}

}  // namespace

// Which is why no Filesystem_Id is set: it would change the fsid that clients see, and no handle.
TEST(GaneshaHandles, OutliveARestartThatGivesTheDiskAnotherDeviceNumber) {
    if (const auto reason = reason_to_skip(); !reason.empty()) GTEST_SKIP() << reason;
    if (const auto reason = enter_own_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    GaneshaRun run;
    run.start_bus();
    const auto path = run.directory() + "/labs/lab1", image = run.directory() + "/disk";
    std::filesystem::create_directory(path);
    ASSERT_EQ(std::system(("truncate -s 40M " + image + " && mkfs.ext4 -q " + image).c_str()), 0);
    std::pair<std::string, std::uint64_t> before, after;
    dev_t numbers[2] = {};
    const auto serve = [&](const LoopDevice& disk, dev_t& number) {
        if (::mount(disk.path().c_str(), path.c_str(), "ext4", MS_NOSUID | MS_NODEV, nullptr) != 0)
            return std::pair<std::string, std::uint64_t>();
        struct stat info {};
        (void)::stat(path.c_str(), &info);
        number = info.st_dev;
        const auto lab = run.make_lab("lab1", 101);
        run.start_ganesha();
        auto exporter = run.exporter();
        EXPECT_TRUE(publish(exporter, lab));
        auto seen = identity(run, lab);
        run.kill_ganesha();
        ::umount2(path.c_str(), MNT_DETACH);
        return seen;
    };
    {
        const LoopDevice disk(image);
        if (disk.path().empty()) GTEST_SKIP() << "no loop device";
        before = serve(disk, numbers[0]);
    }
    const auto other = run.directory() + "/other";
    ASSERT_EQ(std::system(("truncate -s 1M " + other).c_str()), 0);
    const LoopDevice in_its_place(other), disk(image);
    after = serve(disk, numbers[1]);
    ASSERT_NE(before.first, "");
    EXPECT_NE(numbers[0], numbers[1]);
    EXPECT_EQ(before, after);
}

}  // namespace stowage::nfs::testing
