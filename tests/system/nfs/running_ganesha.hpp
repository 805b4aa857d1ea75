// A test that begins with NFS-Ganesha up and no lab published.
// Runs in: tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/system/nfs/ganesha_run.hpp"

namespace stowage::nfs::testing {

class RunningGanesha : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto reason = reason_to_skip(); !reason.empty()) GTEST_SKIP() << reason;
        run = std::make_unique<GaneshaRun>();
        run->start_bus();
        run->start_ganesha();
        exporter = run->exporter();
    }
    std::unique_ptr<GaneshaRun> run;
    Exporter exporter;
};

}  // namespace stowage::nfs::testing
