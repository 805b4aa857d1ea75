// Waits between tries.
#include "provisioning/runai/retry.hpp"

#include <gtest/gtest.h>

#include "provisioning/runai/client.hpp"

namespace stowage::runai {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToItsLimitHalfOfItRandom) {
    Retries retries;
    retries.first_wait = milliseconds(100);
    retries.max_wait = milliseconds(1000);
    EXPECT_EQ(wait_before_retry(retries, 1, 0.0), milliseconds(50));
    EXPECT_EQ(wait_before_retry(retries, 1, 0.9999), milliseconds(99));
    EXPECT_EQ(wait_before_retry(retries, 2, 0.0), milliseconds(100));
    EXPECT_EQ(wait_before_retry(retries, 4, 0.0), milliseconds(400));
    EXPECT_EQ(wait_before_retry(retries, 5, 0.0), milliseconds(500));
    EXPECT_LE(wait_before_retry(retries, 4000000000U, 0.9999), milliseconds(1000));
}

TEST(RetryAfter, IsSecondsOrADate) {
    const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
    EXPECT_EQ(parse_retry_after("120", now), seconds(120));
    EXPECT_EQ(parse_retry_after("0", now), seconds(0));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), seconds(30));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), seconds(0));
    // Beyond what a clock of nanoseconds in 63 bits can say.
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now), seconds(253402300799 - 784111777));
    EXPECT_EQ(parse_retry_after("Sat, 01 Jan 0001 00:00:00 GMT", now), seconds(0));
    for (const char* bad :
         {"", "-1", "1.5", "soon", "99999999999999999999", "Sun, 06 Nov 1994 08:50:07 GMT x"})
        EXPECT_EQ(parse_retry_after(bad, now), std::nullopt) << bad;
}

}  // namespace
}  // namespace stowage::runai
