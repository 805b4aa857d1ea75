// Who may have how many connections of the control socket.
// Runs in: unit tests.
#include "gateway/controller/control/connection_places.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace stowage::controller {
namespace {

using Held = std::vector<ConnectionPlaces::Place>;

/// As many as there are for this user.
std::size_t fill(ConnectionPlaces& places, uid_t uid, Held& held) {
    for (std::size_t count = 0;; ++count) {
        auto place = places.take(uid);
        if (!place) return count;
        held.push_back(std::move(*place));
    }
}

TEST(ConnectionPlaces, OneUserLeavesSomeToTheNext) {
    ConnectionPlaces places;
    Held held;
    EXPECT_EQ(fill(places, 1000, held), ConnectionPlaces::most_of_one);
    EXPECT_EQ(fill(places, 1001, held), ConnectionPlaces::most_of_one);
    EXPECT_TRUE(places.take(1002));
}

TEST(ConnectionPlaces, AllUsersTogetherLeaveSomeToRoot) {
    ConnectionPlaces places;
    Held held;
    for (uid_t uid = 1000; uid < 1010; ++uid)
        fill(places, uid, held);
    EXPECT_EQ(held.size(), ConnectionPlaces::most_of_others);
    EXPECT_EQ(fill(places, 0, held), ConnectionPlaces::most - ConnectionPlaces::most_of_others);
    EXPECT_EQ(places.take(0).error().code, Code::unavailable);
}

TEST(ConnectionPlaces, ComeBackWhenAConnectionEnds) {
    ConnectionPlaces places;
    for (int round = 0; round < 3; ++round) {
        Held held;
        EXPECT_EQ(fill(places, 1000, held), ConnectionPlaces::most_of_one);
        EXPECT_EQ(fill(places, 0, held), ConnectionPlaces::most - ConnectionPlaces::most_of_one);
    }
}

}  // namespace
}  // namespace stowage::controller
