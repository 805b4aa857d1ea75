// What the controller may tell about labs and users.
#include "gateway/supervisor/accounts.hpp"

#include <gtest/gtest.h>

namespace stowage::supervisor {
namespace {

class AccountsTest : public testing::Test {
  protected:
    static message::PutLab lab(std::string_view name, std::uint32_t uid) {
        message::PutLab m;
        m.lab.assign_cut(name);
        m.uid = m.gid = uid;
        return m;
    }
    static message::PutAccount account(std::string_view user, std::string_view lab) {
        message::PutAccount m;
        m.user.assign_cut(user);
        m.lab.assign_cut(lab);
        return m;
    }
    Config config_ = *parse_config({});
    Accounts accounts_{config_};
};

TEST_F(AccountsTest, UsersFindTheirLab) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    ASSERT_NE(accounts_.lab_of("alice"), nullptr);
    EXPECT_EQ(accounts_.lab_of("alice")->uid, 700000u);
    EXPECT_EQ(accounts_.lab_of("bob"), nullptr);
}

TEST_F(AccountsTest, NoLabRunsAsRootOrOutsideTheRangeOrAsAnother) {
    EXPECT_FALSE(accounts_.put_lab(lab("lab1", 0)));
    EXPECT_FALSE(accounts_.put_lab(lab("lab1", 1000)));
    EXPECT_FALSE(accounts_.put_lab(lab("../x", 700000)));
    auto mixed = lab("lab1", 700000);
    mixed.gid = 0;
    EXPECT_FALSE(accounts_.put_lab(mixed));
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    EXPECT_FALSE(accounts_.put_lab(lab("lab2", 700000)));
}

TEST_F(AccountsTest, RestartedControllerForgetsWhatItDoesNotName) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_lab(lab("lab2", 700001)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    ASSERT_TRUE(accounts_.put_account(account("bob", "lab1")));
    accounts_.begin();
    EXPECT_NE(accounts_.lab_of("bob"), nullptr) << "logins go on while the controller restarts";
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    EXPECT_EQ(accounts_.complete(), std::vector<std::string>{"lab2"});
    EXPECT_EQ(accounts_.lab_of("bob"), nullptr);
    EXPECT_NE(accounts_.lab_of("alice"), nullptr);
}

}  // namespace
}  // namespace stowage::supervisor
