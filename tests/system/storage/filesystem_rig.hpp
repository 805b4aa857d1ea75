// A real filesystem for the labs of one test: btrfs on a loop device, or tmpfs.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "provisioning/storage/lab_directory.hpp"

namespace stowage::storage {

constexpr uid_t lab_uid = 712345;

/// Mounted inside a mount namespace of this process: whatever happens to the test, the kernel takes the
/// mounts and the loop device away with it.
class FilesystemRig : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override;
    void TearDown() override;

    bool on_btrfs() const { return std::string(GetParam()) == "btrfs"; }
    LabPlace place(const std::string& name = "lab1") const { return {root_, name, lab_uid}; }
    std::string in_lab(const std::string& path, const std::string& lab = "lab1") const {
        return root_ + "/" + lab + "/" + path;
    }

    std::string folder_, root_;
};

/// "btrfs" and "tmpfs" in test names.
inline std::string name_of_parameter(const testing::TestParamInfo<const char*>& info) {
    return info.param;
}

/// Runs `work` in a child with the uid and gid of the lab, or of another; its return value is the child's
/// exit code.
int as_lab(const std::function<int()>& work, uid_t uid = lab_uid);

/// Runs `work` in a child and kills that after `microseconds`; true if it was killed before it ended.
bool kill_during(const std::function<void()>& work, unsigned microseconds);

/// Runs a program and waits; true when it exits 0.
bool run(const std::string& command);

}  // namespace stowage::storage
