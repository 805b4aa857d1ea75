// What a restore found on the disk, taken into the database.
// Runs in: unit tests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/found_on_disk.hpp"
#include "gateway/controller/state/state.hpp"
#include "temporary_directory.hpp"

namespace stowage::controller {
namespace {

constexpr UidRange range{700000, 700003};

LabSettings settings() {
    return {1 << 30, 1000, {"10.0.0.0/8"}};
}

class RestoredState : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    State state_ = or_throw(State::open(directory_.path()));

    Lab add(const std::string& name) { return or_throw(state_.add_lab(name, settings(), range)); }
    /// As if these directories were in labs.root when the backup was restored.
    void reopen(const FoundOnDisk& found) {
        const auto path = fmt::format("{}/{}", directory_.path(), found_on_disk_file);
        or_throw(write_atomically(path, to_text(found), {::getuid(), ::getgid(), 0600}));
        { const auto closed = std::move(state_); }
        state_ = or_throw(State::open(directory_.path()));
        EXPECT_FALSE(std::filesystem::exists(path)) << "it is written down once";
    }
};

TEST_F(RestoredState, GivesNoUidThatADirectoryOnTheDiskHasToAnother) {
    add("lab1");
    reopen({{{700000, "lab1"}, {700001, "lost"}, {700002, ""}}, 0});
    EXPECT_EQ(add("lab2").uid, 700003u);
    EXPECT_FALSE(state_.add_lab("lab3", settings(), range)) << "all others are on the disk";
    EXPECT_TRUE(state_.has_kept_data("lost"));
    EXPECT_EQ(add("lost").uid, 700001u);
}

TEST_F(RestoredState, KeepsAUidThatWasFoundLaterForItsLab) {
    or_throw(state_.keep_uid(700000, "lab1"));
    or_throw(state_.keep_uid(700000, "lab1"));
    EXPECT_EQ(add("lab2").uid, 700001u);
    EXPECT_EQ(add("lab1").uid, 700000u);
}

TEST_F(RestoredState, ReservesTheUidOfADirectoryWhoseNameHasAnother) {
    add("lab1");
    reopen({{{700001, "lab1"}, {700000, "lab1-before"}}, 0});
    EXPECT_EQ(state_.lab("lab1")->uid, 700000u);
    EXPECT_EQ(add("lab2").uid, 700002u);
    EXPECT_EQ(add("lab1-before").uid, 700003u);
}

TEST_F(RestoredState, PassesOverExportIdsThatClientsMayStillHold) {
    EXPECT_EQ(add("lab1").export_id, 1001);
    reopen({});
    EXPECT_EQ(add("lab2").export_id, 2002);
    reopen({{}, 60000});
    EXPECT_EQ(add("lab3").export_id, 61001);
    reopen({{}, 65000});
    EXPECT_EQ(add("lab4").export_id, 1467) << "from the start again";
}

TEST_F(RestoredState, OfATextThatNobodyWroteItOpensNot) {
    for (const auto* text : {"uid\n", "uid 0 a\n", "uid 1 ../a\n", "uid 1 a b\n", "export_id 70000\n",
                             "export_id 1 a\n", "gid 1\n", "\n"})
        EXPECT_FALSE(found_on_disk_in(text)) << text;
    const FoundOnDisk found{{{700001, "lab1"}, {700002, ""}}, 1003};
    EXPECT_EQ(to_text(or_throw(found_on_disk_in(to_text(found)))),
              "export_id 1003\nuid 700001 lab1\nuid 700002\n");
}

}  // namespace
}  // namespace stowage::controller
