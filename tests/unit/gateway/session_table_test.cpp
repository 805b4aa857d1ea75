// Who is logged in, and how many. Tried: without either limit the first test fails.
#include "gateway/supervisor/session_table.hpp"

#include <gtest/gtest.h>

namespace stowage::supervisor {
namespace {

class Sessions : public testing::Test {
  protected:
    Config config() {
        return *parse_config(
            {{"ftps.max_sessions_per_user", {"2", "test"}}, {"ftps.max_sessions_per_lab", {"3", "test"}}});
    }
    Config config_ = config();
    SessionTable table_{config_};
};

TEST_F(Sessions, AreLimitedPerUserAndPerLab) {
    EXPECT_EQ(table_.refusal("alice", "lab1"), std::nullopt);
    table_.add(1, {"alice", "lab1", "192.0.2.1"});
    table_.add(2, {"alice", "lab1", "192.0.2.1"});
    ASSERT_TRUE(table_.refusal("alice", "lab1"));
    EXPECT_NE(table_.refusal("alice", "lab1")->find("alice has 2 sessions"), std::string::npos);
    EXPECT_EQ(table_.refusal("amy", "lab1"), std::nullopt);
    table_.add(3, {"amy", "lab1", "192.0.2.1"});
    ASSERT_TRUE(table_.refusal("bob", "lab1"));
    EXPECT_NE(table_.refusal("bob", "lab1")->find("Lab lab1 has 3 sessions"), std::string::npos);
    EXPECT_EQ(table_.refusal("bob", "lab2"), std::nullopt);
    table_.remove(1);
    table_.remove(1);
    EXPECT_EQ(table_.refusal("alice", "lab1"), std::nullopt);
    EXPECT_EQ(table_.of_lab("lab1"), 2u);
    table_.clear();
    EXPECT_EQ(table_.of_lab("lab1"), 0u);
    EXPECT_EQ(table_.size(), 0u);
}

TEST_F(Sessions, OfAUserAreFound) {
    table_.add(1, {"alice", "lab1", "192.0.2.1"});
    table_.add(2, {"bob", "lab1", "192.0.2.1"});
    table_.add(9, {"alice", "lab1", "192.0.2.2"});
    EXPECT_EQ(table_.of_user("alice"), (std::vector<std::uint64_t>{1, 9}));
    EXPECT_TRUE(table_.of_user("alic").empty());
}

TEST_F(Sessions, HaveOneNumberEach) {
    EXPECT_TRUE(table_.add(7, {"alice", "lab1", "192.0.2.1"}));
    EXPECT_FALSE(table_.add(7, {"mallory", "lab2", "192.0.2.1"}));
    EXPECT_EQ(table_.find(7)->user, "alice");
    EXPECT_EQ(table_.of_lab("lab2"), 0u);
    EXPECT_EQ(table_.find(8), nullptr);
}

TEST_F(Sessions, AreListedInPages) {
    for (std::uint64_t number = 1; number <= 10; ++number)
        table_.add(number * 3, {"alice", "lab1", "192.0.2.1"});
    std::vector<std::uint64_t> seen;
    for (std::uint64_t after = 0;;) {
        const auto page = table_.page(after, 4);
        if (page.empty()) break;
        EXPECT_LE(page.size(), 4u);
        for (const auto& [number, session] : page)
            seen.push_back(number);
        after = seen.back();
    }
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{3, 6, 9, 12, 15, 18, 21, 24, 27, 30}));
}

}  // namespace
}  // namespace stowage::supervisor
