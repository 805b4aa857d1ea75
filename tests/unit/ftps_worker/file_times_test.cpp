// Times in and out.
// Runs in: tests only.
#include "ftps/worker/file_times.hpp"

#include <gtest/gtest.h>

namespace stowage::ftps {

constexpr std::int64_t now = 1795467545;  // 2026-11-23 20:59:05 UTC

TEST(FileTimes, FactsAreUtcAndReadBack) {
    EXPECT_EQ(fact_time(now), "20261123205905");
    EXPECT_EQ(parse_fact_time("20261123205905").value(), now);
    EXPECT_EQ(parse_fact_time("20261123205905.123").value(), now);
    EXPECT_EQ(fact_time(0), "19700101000000");
    EXPECT_EQ(parse_fact_time(fact_time(-86400)).value(), -86400);
}

TEST(FileTimes, RefusesWhatIsNoTime) {
    for (const auto* text :
         {"", "2026", "20261323205905", "20261131205905", "20260230000000", "20261123245905",
          "2026112320590x", "-0261123205905", "20261123205905 ", "20261123205905.", "2026.123205905"})
        EXPECT_FALSE(parse_fact_time(text)) << text;
}

TEST(FileTimes, ListHasTheHourForSixMonths) {
    EXPECT_EQ(list_time(now - 3600, now), "Nov 23 19:59");
    EXPECT_EQ(list_time(now - 200 * 86400, now), "May  7  2026");
    EXPECT_EQ(list_time(now + 400 * 86400, now), "Dec 28  2027");
}

TEST(FileTimes, SurvivesTimesOfHostilePeers) {
    EXPECT_EQ(fact_time(std::numeric_limits<std::int64_t>::max()), "99991231235959");
    EXPECT_EQ(fact_time(std::numeric_limits<std::int64_t>::min()), "00000101000000");
    EXPECT_FALSE(list_time(std::numeric_limits<std::int64_t>::min(), now).empty());
}

}  // namespace stowage::ftps
