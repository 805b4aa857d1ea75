// Lines that a flood leaves out are counted.
// Runs in: tests only.
#include "gateway/base/line_limit.hpp"

#include <gtest/gtest.h>

namespace stowage::log {

using namespace std::chrono_literals;

TEST(LineLimit, AFloodIsCountedNotWritten) {
    LineLimit limit(10);
    const LineLimit::Clock::time_point now{1000h};
    unsigned written = 0;
    for (int i = 0; i < 1000; ++i)
        written += limit.may_write(now).has_value();
    EXPECT_EQ(written, 10u);
    EXPECT_EQ(limit.may_write(now + 1s), 990u);
    EXPECT_EQ(limit.may_write(now + 1s), 0u);
}

TEST(LineLimit, TheNextLineTellsHowManyWereLeftOut) {
    LineLimit limit(1);
    for (int i = 0; i < 3; ++i)
        (void)limit.may_write(LineLimit::Clock::now() - 1h);
    testing::internal::CaptureStderr();
    start("test", Level::info);
    write_limited(limit, Level::info, "refused", {{"number", 9}});
    const auto written = testing::internal::GetCapturedStderr();
    EXPECT_NE(written.find("event=lines_left_out of=refused count=2\n"), std::string::npos) << written;
    EXPECT_NE(written.find("event=refused number=9\n"), std::string::npos) << written;
}

}  // namespace stowage::log
