// A real filesystem for the labs of one test: btrfs, XFS or ext4 on a loop device, CephFS, or tmpfs.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "provisioning/storage/lab_directory.hpp"

namespace stowage::storage {

constexpr uid_t lab_uid = 712345;

/// Mounted inside a mount namespace of this process: whatever happens to the test, the kernel takes the
/// mounts and the loop device away with it.
class FilesystemRig : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override;
    void TearDown() override;

    bool on(std::string_view filesystem) const { return GetParam() == filesystem; }
    bool on_btrfs() const { return on("btrfs") || on("btrfs-simple"); }
    /// XFS and ext4: quotas count by projects.
    bool by_project() const { return on("xfs") || on("ext4"); }
    LabPlace place(const std::string& name = "lab1") const { return {root_, name, lab_uid}; }
    std::string in_lab(const std::string& path, const std::string& lab = "lab1") const {
        return root_ + "/" + lab + "/" + path;
    }

    /// The filesystem's file, for loop devices.
    std::string image() const { return folder_ + "/image"; }

    std::string folder_, root_;

  private:
    void mount_filesystem();
};

/// "btrfs", "ext4_off", … in test names.
inline std::string name_of_parameter(const testing::TestParamInfo<const char*>& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

/// Runs `work` in a child with the uid and gid of the lab, or of another; its return value is the child's
/// exit code.
int as_lab(const std::function<int()>& work, uid_t uid = lab_uid);

/// Runs `work` in a child with all our rights; its return value is the child's exit code.
int in_child(const std::function<int()>& work);

/// A child with the uid and gid of the lab, whose `work` never ends before this object does.
class MemberAtWork {
  public:
    explicit MemberAtWork(const std::function<void()>& work);
    ~MemberAtWork() { stop(); }
    MemberAtWork(const MemberAtWork&) = delete;
    void stop();

  private:
    pid_t pid_;
};

/// Runs `work` in a child and kills that after `microseconds`; true if it was killed before it ended.
bool kill_during(const std::function<void()>& work, unsigned microseconds);

/// Runs a program and waits; true when it exits 0.
bool run(const std::string& command);

}  // namespace stowage::storage
