// What status says of a site's drift: what, why, and since when.
// Runs in: unit tests.
#include "gateway/controller/control/site_watch.hpp"

#include <gmock/gmock.h>

namespace stowage::controller {
namespace {

SiteItem changed(const std::string& name) {
    SiteItem item{ObjectKind::department, name, Change::change};
    item.fields.push_back({"GPUs of prod", "100", "7"});
    return item;
}

TEST(SiteWatch, EachDifferenceKeepsTheMomentWhenItWasFirstSeen) {
    SiteDrift drift;
    note_drift(drift, {changed("lab1"), {ObjectKind::project, "lab1/p", Change::unchanged}}, 1000);
    EXPECT_EQ(drift.pending, 1);
    EXPECT_EQ(drift.lines.at(0).what, "change department lab1");
    EXPECT_EQ(drift.lines.at(0).why, "GPUs of prod: wanted 100, found 7");
    note_drift(drift, {changed("lab1"), changed("lab2")}, 2000);
    EXPECT_EQ(drift.at, 2000);
    EXPECT_EQ(drift.lines.at(0).since, 1000);
    EXPECT_EQ(drift.lines.at(1).since, 2000);
    // Set right and changed again is another time.
    note_drift(drift, {changed("lab2")}, 3000);
    note_drift(drift, {changed("lab1"), changed("lab2")}, 4000);
    EXPECT_EQ(drift.lines.at(0).since, 4000);
    EXPECT_EQ(drift.lines.at(1).since, 2000);
}

TEST(SiteWatch, ManyAreCountedAndTheFirstAreShown) {
    SiteDrift drift;
    std::vector<SiteItem> items;
    for (int number = 0; number < 50; ++number)
        items.push_back(changed("lab" + std::to_string(number)));
    note_drift(drift, items, 1000);
    EXPECT_EQ(drift.pending, 50);
    EXPECT_EQ(drift.lines.size(), 20U);
    note_drift(drift, items, 2000);
    EXPECT_EQ(drift.since.at("change department lab49"), 1000);
}

TEST(SiteWatch, BlindnessSaysSinceWhenAndForgetsNothing) {
    SiteDrift drift;
    note_drift(drift, {changed("lab1")}, 1000);
    note_blind(drift, {Code::timeout, "no answer", "wait"}, 2000);
    note_blind(drift, {Code::unavailable, "refused", "wait"}, 3000);
    EXPECT_EQ(drift.error_since, 2000);
    EXPECT_EQ(drift.error, "refused; wait");
    EXPECT_EQ(drift.at, 1000);
    EXPECT_EQ(drift.pending, 1);
    note_drift(drift, {}, 4000);
    EXPECT_EQ(drift.error, "");
    EXPECT_EQ(drift.pending, 0);
}

}  // namespace
}  // namespace stowage::controller
