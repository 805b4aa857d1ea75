// Who is let in. Tried: without the ban, the count or the cap of log lines one of these fails.
#include "ftps/front/doorkeeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace stowage::ftps {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Door : public ::testing::Test {
  protected:
    Config config() {
        return *parse_config({{"ftps.max_sessions_per_address", {"3", "test"}},
                              {"ftps.max_logins_per_address", {"2", "test"}}});
    }
    message::PutBan ban(std::string_view network, std::uint32_t seconds) {
        message::PutBan m;
        m.network.assign_cut(network);
        m.seconds = seconds;
        return m;
    }
    Doorkeeper::Clock::time_point now_{1000h};
    Doorkeeper door_{config()};
};

TEST_F(Door, BannedAddressesStayOutUntilTheBanEnds) {
    door_.put_ban(ban("192.0.2.1", 90), now_);
    door_.put_ban(ban("2001:db8::/64", 90), now_);
    EXPECT_THAT(door_.enter("192.0.2.1", now_).refusal, HasSubstr("try again in 2 minutes"));
    EXPECT_THAT(door_.enter("192.0.2.1", now_ + 31s).refusal,
                HasSubstr("try again in 1 minute, or ask the administrator (`stowage bans clear`)."));
    EXPECT_NE(door_.enter("2001:db8::77", now_).refusal, "");
    EXPECT_EQ(door_.enter("2001:db8:0:1::77", now_).refusal, "");
    EXPECT_EQ(door_.enter("192.0.2.2", now_).refusal, "");
    EXPECT_EQ(door_.enter("192.0.2.1", now_ + 90s).refusal, "");
}

TEST_F(Door, LiftedBansLetIn) {
    door_.put_ban(ban("192.0.2.1", 90), now_);
    door_.put_ban(ban("192.0.2.2", 90), now_);
    message::LiftBan lift;
    lift.network.assign_cut("192.0.2.1");
    door_.lift_ban(lift);
    EXPECT_EQ(door_.enter("192.0.2.1", now_).refusal, "");
    EXPECT_NE(door_.enter("192.0.2.2", now_).refusal, "");
    door_.lift_ban({});
    EXPECT_EQ(door_.enter("192.0.2.2", now_).refusal, "");
}

TEST_F(Door, CountsConnectionsAndThoseWithoutALogin) {
    std::vector<Doorkeeper::Entry> in;
    in.push_back(door_.enter("192.0.2.1", now_));
    in.push_back(door_.enter("192.0.2.1", now_));
    EXPECT_THAT(door_.enter("192.0.2.1", now_).refusal, HasSubstr("2 connections without a login"));
    in[0].places.login.leave();
    in.push_back(door_.enter("192.0.2.1", now_));
    EXPECT_EQ(in.back().refusal, "");
    in[1].places.login.leave();
    EXPECT_THAT(door_.enter("192.0.2.1", now_).refusal, HasSubstr("3 connections, which is the limit"));
    EXPECT_EQ(door_.enter("192.0.2.2", now_).refusal, "");
    in.pop_back();
    EXPECT_EQ(door_.enter("192.0.2.1", now_).refusal, "");
}

}  // namespace
}  // namespace stowage::ftps
