// A lab whose quota counts by a project, and those who work beside the walk through its tree.
#pragma once

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "provisioning/storage/project.hpp"
#include "tests/system/storage/quota_rig.hpp"

namespace stowage::storage {

class ProjectQuota : public Quota {
  protected:
    static fsxattr attributes(const Fd& fd) {
        fsxattr seen{};
        EXPECT_EQ(::ioctl(fd.get(), FS_IOC_FSGETXATTR, &seen), 0);
        return seen;
    }
    static fsxattr attributes(const std::string& path) {
        const testing::ScopedTrace trace(__FILE__, __LINE__, path);
        return attributes(Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
    }
    static void mark(const std::string& path, std::uint32_t id) {
        const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        auto changed = attributes(path);
        changed.fsx_projid = id;
        changed.fsx_xflags = id ? changed.fsx_xflags | FS_XFLAG_PROJINHERIT
                                : changed.fsx_xflags & ~unsigned{FS_XFLAG_PROJINHERIT};
        EXPECT_EQ(::ioctl(fd.get(), FS_IOC_FSSETXATTR, &changed), 0) << path;
    }
    /// Files and directories of the lab that are not in `id`.
    std::string strays(std::uint32_t id = lab_project) const {
        std::string found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ + "/lab1"))
            if ((entry.is_regular_file() || entry.is_directory()) && !entry.is_symlink() &&
                attributes(entry.path()).fsx_projid != id)
                found += entry.path().string() + " ";
        return found;
    }
    void fill_tree() {
        for (const auto* folder : {"a/b/c", "d", ".stowage/partials/unpack.1.1"})
            std::filesystem::create_directories(in_lab(folder));
        for (const auto* file : {"top", "a/one", "a/b/two", "a/b/c/three", ".stowage/partials/upload"})
            std::ofstream(in_lab(file)) << "x";
        ASSERT_EQ(::mkfifo(in_lab("a/fifo").c_str(), 0600), 0);
        std::filesystem::create_directory(folder_ + "/elsewhere");
        std::ofstream(root_ + "/not-the-labs") << "x";
        std::filesystem::create_symlink(root_ + "/not-the-labs", in_lab("a/link"));
        std::filesystem::create_directory_symlink(root_, in_lab("d/up"));
        ASSERT_TRUE(run("chown -R --no-dereference " + std::to_string(lab_uid) + " " + in_lab("a")));
    }
};

}  // namespace stowage::storage
