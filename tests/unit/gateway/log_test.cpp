// Log lines cannot be forged.
#include "gateway/base/log.hpp"

#include <gtest/gtest.h>

namespace stowage::log {
namespace {

TEST(Log, EscapesWhatCouldForgeALine) {
    testing::internal::CaptureStderr();
    start("unit", Level::info);
    info("event", {{"name", "a\n<3>process=x \"q\" \\ \x1b[31m\xff"},
                   {"plain", "lab-1"},
                   {"empty", ""},
                   {"number", 7}});
    const auto line = testing::internal::GetCapturedStderr();
    EXPECT_EQ(line,
              "<6>process=unit event=event name=\"a\\x0a<3>process=x \\\"q\\\" \\\\ \\x1b[31m\\xff\" "
              "plain=lab-1 empty=\"\" number=7\n");
}

TEST(Log, LevelsBelowTheThresholdAreSilent) {
    testing::internal::CaptureStderr();
    start("unit", Level::warning);
    info("event", {});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace stowage::log
