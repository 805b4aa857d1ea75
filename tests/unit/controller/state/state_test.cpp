// Labs, uids, accounts and the journal in the database.
// Runs in: unit tests.
#include "gateway/controller/state/state.hpp"

#include <gmock/gmock.h>

#include "temporary_directory.hpp"

namespace stowage::controller {
namespace {

constexpr UidRange range{700000, 700003};

LabSettings settings() {
    return {1 << 30, 1000, {"10.0.0.0/8", "fd00::/8"}};
}

class StateTest : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    State state_ = or_throw(State::open(directory_.path()));

    Lab add(const std::string& name) { return or_throw(state_.add_lab(name, settings(), range)); }
    void leave(const std::string& name, bool release) {
        or_throw(state_.set_phase(name, Phase::leaving_data_kept));
        or_throw(state_.forget_lab(name, release));
    }
    /// Of the journal's steps, in their order, as whoever looks into the file sees them.
    std::vector<std::string> outcomes() const {
        const auto database = or_throw(sqlite::Database::open(directory_.path() + "/stowage.db"));
        sqlite::Statement row(database, "SELECT outcome FROM journal ORDER BY id");
        std::vector<std::string> found;
        while (row.next())
            found.push_back(row.text(0));
        return found;
    }
};

TEST_F(StateTest, ReadsALabBackAsItWasAdded) {
    const auto added = add("lab1");
    const auto read = state_.lab("lab1");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->uid, 700000u);
    EXPECT_EQ(read->export_id, 1001) << "below, people number exports of their own";
    EXPECT_EQ(read->fsid, added.fsid);
    EXPECT_EQ(read->settings, settings());
    EXPECT_EQ(read->phase, Phase::live);
    EXPECT_EQ(read->directory, DirectoryPhase::none);
    EXPECT_FALSE(state_.lab("lab2"));
}

TEST_F(StateTest, RefusesASecondLabOfTheSameName) {
    add("lab1");
    const auto again = state_.add_lab("lab1", settings(), range);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::exists);
}

TEST_F(StateTest, ProposesWhatItWouldAddAndWritesNothing) {
    const auto proposed = or_throw(state_.propose_lab("lab1", settings(), range));
    EXPECT_TRUE(state_.labs().empty());
    EXPECT_EQ(add("lab1").uid, proposed.uid);
}

TEST_F(StateTest, GivesEachLabItsOwnNumbers) {
    const auto first = add("lab1"), second = add("lab2");
    EXPECT_NE(first.uid, second.uid);
    EXPECT_NE(first.export_id, second.export_id);
    EXPECT_NE(first.fsid, second.fsid);
}

TEST_F(StateTest, KeepsTheUidOfKeptDataForItsName) {
    const auto first = add("lab1");
    leave("lab1", false);
    EXPECT_FALSE(state_.lab("lab1"));
    EXPECT_NE(add("lab2").uid, first.uid);
    EXPECT_EQ(add("lab1").uid, first.uid);
}

TEST_F(StateTest, RecallsALabWhoseDataWasKeptOnlyToPurgeIt) {
    const auto first = add("lab1");
    EXPECT_FALSE(state_.has_kept_data("lab1")) << "it is there";
    EXPECT_FALSE(state_.recall_for_purge("lab1", settings(), range));
    leave("lab1", false);
    ASSERT_TRUE(state_.has_kept_data("lab1"));
    or_throw(state_.recall_for_purge("lab1", settings(), range));
    const auto recalled = state_.lab("lab1");
    ASSERT_TRUE(recalled);
    EXPECT_EQ(recalled->uid, first.uid);
    EXPECT_EQ(recalled->phase, Phase::leaving_data_purged);
    EXPECT_EQ(recalled->directory, DirectoryPhase::made) << "a filesystem that is away is not an empty one";
    or_throw(state_.forget_lab("lab1", true));
    EXPECT_FALSE(state_.has_kept_data("lab1"));
}

TEST_F(StateTest, GivesAPurgedUidOutAgainOnlyWhenTheRangeIsUsedUp) {
    const auto first = add("lab1");
    add("lab2");
    leave("lab1", true);
    EXPECT_EQ(add("lab3").uid, 700002u);
    EXPECT_EQ(add("lab4").uid, 700003u);
    EXPECT_EQ(add("lab5").uid, first.uid);
}

// Fails when the number behind the largest one in use is given out: the newest lab's, once it is purged.
TEST_F(StateTest, GivesTheNumbersOfThePurgedNewestLabToNobodySoon) {
    add("lab1");
    const auto newest = add("lab2");
    leave("lab2", true);
    const auto next = add("lab3");
    EXPECT_GT(next.uid, newest.uid);
    EXPECT_GT(next.export_id, newest.export_id);
    EXPECT_EQ(or_throw(state_.propose_lab("lab4", settings(), range)).uid, next.uid + 1);
}

TEST_F(StateTest, AKeptUidMovesNoMark) {
    const auto first = add("lab1");
    const auto second = add("lab2");
    leave("lab1", false);
    EXPECT_EQ(add("lab1").uid, first.uid);
    EXPECT_EQ(add("lab3").uid, second.uid + 1);
}

TEST_F(StateTest, SaysWhenUidsHaveRunOut) {
    for (int i = 1; i <= 4; ++i)
        add("lab" + std::to_string(i));
    const auto fifth = state_.add_lab("lab5", settings(), range);
    ASSERT_FALSE(fifth);
    EXPECT_EQ(fifth.error().code, Code::no_space);
    EXPECT_THAT(fifth.error().text(), testing::HasSubstr("labs.uid_min..uid_max (700000..700003)"));
    EXPECT_EQ(state_.labs().size(), 4u);
}

TEST_F(StateTest, RefusesAKeptUidOutsideOfTheRange) {
    add("lab1");
    leave("lab1", false);
    const auto again = state_.add_lab("lab1", settings(), {800000, 800010});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::config);
}

TEST_F(StateTest, DoesNotForgetALabThatStays) {
    add("lab1");
    or_throw(state_.forget_lab("lab1", true));
    EXPECT_TRUE(state_.lab("lab1"));
    EXPECT_NE(add("lab2").uid, state_.lab("lab1")->uid);
}

TEST_F(StateTest, DoesNotForgetALabWithAccounts) {
    add("lab1");
    or_throw(state_.add_account("alice", "lab1"));
    or_throw(state_.set_phase("lab1", Phase::leaving_data_kept));
    EXPECT_FALSE(state_.forget_lab("lab1", false));
    or_throw(state_.drop_account("alice"));
    EXPECT_TRUE(state_.forget_lab("lab1", false));
}

TEST_F(StateTest, ChangesSettings) {
    add("lab1");
    LabSettings changed{5, 0, {"127.0.0.0/8"}};
    or_throw(state_.put_labs({{"lab1", changed}, {"lab2", changed}}, range));
    EXPECT_EQ(state_.lab("lab1")->settings, changed);
    EXPECT_EQ(state_.lab("lab2")->settings, changed);
}

TEST_F(StateTest, KeepsFtpsSettingsAndThatThereAreNone) {
    add("lab1");
    EXPECT_EQ(state_.lab("lab1")->settings.durability, std::nullopt);
    EXPECT_EQ(state_.lab("lab1")->settings.data_tls_resumption, std::nullopt);
    LabSettings chosen{5, 0, {"127.0.0.0/8"}, Durability::none, Resumption::optional};
    or_throw(state_.put_labs({{"lab1", chosen}, {"lab2", chosen}}, range));
    EXPECT_EQ(state_.lab("lab1")->settings, chosen);
    EXPECT_EQ(state_.lab("lab2")->settings, chosen);
    chosen.durability.reset();
    or_throw(state_.put_labs({{"lab1", chosen}}, range));
    EXPECT_EQ(state_.lab("lab1")->settings, chosen);
}

TEST_F(StateTest, PutsAllLabsOrNone) {
    add("lab1");
    const LabSettings changed{5, 0, {"127.0.0.0/8"}};
    std::vector<NamedSettings> labs = {{"lab1", changed}};
    for (int i = 2; i <= 6; ++i)
        labs.push_back({"lab" + std::to_string(i), changed});
    EXPECT_FALSE(state_.put_labs(labs, range)) << "the range has four uids";
    EXPECT_EQ(state_.labs().size(), 1u);
    EXPECT_EQ(state_.lab("lab1")->settings, settings());
}

TEST_F(StateTest, TakesEveryByteOfAHostileTextAsAValue) {
    add("lab1");
    const std::string text = "'); DROP TABLE labs; --\n\"\xc3\xa9";
    or_throw(state_.set_status("lab1", LabState::failed, text));
    EXPECT_EQ(state_.status("lab1").why, text);
    EXPECT_EQ(state_.labs().size(), 1u);
}

TEST_F(StateTest, KeepsTheMomentOfAStatusThatStays) {
    add("lab1");
    or_throw(state_.set_status("lab1", LabState::degraded, "run:ai unreachable"));
    const auto since = state_.status("lab1").since;
    or_throw(state_.set_status("lab1", LabState::degraded, "run:ai unreachable"));
    EXPECT_EQ(state_.status("lab1").since, since);
}

TEST_F(StateTest, AccountsGoThroughTheirPhases) {
    add("lab1");
    or_throw(state_.add_account("alice", "lab1"));
    EXPECT_EQ(state_.account("alice")->phase, AccountPhase::adding);
    or_throw(state_.set_account_phase("alice", AccountPhase::active));
    EXPECT_EQ(state_.account("alice")->phase, AccountPhase::active);
    EXPECT_FALSE(state_.add_account("alice", "lab1"));
    EXPECT_FALSE(state_.add_account("bob", "no-such-lab"));
    EXPECT_EQ(state_.accounts().size(), 1u);
}

TEST_F(StateTest, AStepThatChangesALabUnverifiesIt) {
    add("lab1");
    or_throw(state_.set_checks("lab1", {{"mount", true, 12, "mounted"}, {"write", true, 3, ""}}));
    EXPECT_GT(state_.status("lab1").verified_at, 0);
    ASSERT_EQ(state_.checks("lab1").size(), 2u);
    EXPECT_EQ(state_.checks("lab1")[1].name, "write");
    (void)or_throw(state_.begin_step("lab1", "set_quota", {.unverifies = true}));
    EXPECT_EQ(state_.status("lab1").verified_at, 0);
}

TEST_F(StateTest, AFailedCheckIsNoVerification) {
    add("lab1");
    or_throw(state_.set_checks("lab1", {{"mount", true, 12, ""}, {"write", false, 3, "refused"}}));
    EXPECT_EQ(state_.status("lab1").verified_at, 0);
}

TEST_F(StateTest, JournalsAStepWithItsConsequence) {
    add("lab1");
    const auto id = or_throw(state_.begin_step("lab1", "make_directory", {.makes_directory = true}));
    EXPECT_EQ(state_.lab("lab1")->directory, DirectoryPhase::making);
    or_throw(state_.end_step(id, "lab1", {.made_directory = true}));
    EXPECT_EQ(state_.lab("lab1")->directory, DirectoryPhase::made);
    EXPECT_THAT(outcomes(), testing::ElementsAre("done"));
    EXPECT_TRUE(or_throw(state_.take_interrupted()).empty());
}

TEST_F(StateTest, TellsInterruptedStepsOnce) {
    add("lab1");
    (void)or_throw(state_.begin_step("lab1", "publish_export", {.unverifies = true}));
    const auto failed = or_throw(state_.begin_step("lab1", "set_quota", {.unverifies = true}));
    or_throw(state_.fail_step(failed, "lab1", {Code::no_space, "the disk is full"}));
    const auto interrupted = or_throw(state_.take_interrupted());
    ASSERT_EQ(interrupted.size(), 1u);
    EXPECT_EQ(interrupted[0].step, "publish_export");
    EXPECT_TRUE(or_throw(state_.take_interrupted()).empty());
    EXPECT_THAT(outcomes(), testing::ElementsAre("interrupted", "no_space"));
}

TEST_F(StateTest, RemembersAnIntendedDataSourceUntilItIsKnown) {
    add("lab1");
    const runai::NfsDataSource wanted{"lab1-nfs", "100002", "gateway", "/mnt/nfs/lab1", "/mnt/nfs", false};
    const auto id =
        or_throw(state_.begin_step("lab1", "register_data_source", {.makes_data_source = wanted}));
    EXPECT_EQ(state_.data_source("lab1")->remote_id, "");
    EXPECT_TRUE(state_.data_source("lab1")->made);
    or_throw(state_.end_step(id, "lab1", {.data_source = OwnedDataSource{"uuid-1", true, wanted}}));
    EXPECT_EQ(state_.data_source("lab1")->remote_id, "uuid-1");
    EXPECT_EQ(state_.data_source("lab1")->sent.path, "/mnt/nfs/lab1");
    const auto gone = or_throw(state_.begin_step("lab1", "unregister_data_source", {}));
    or_throw(state_.end_step(gone, "lab1", {.drops_data_source = true}));
    EXPECT_FALSE(state_.data_source("lab1"));
}

TEST_F(StateTest, DropsAnIntentThatCertainlyFailed) {
    add("lab1");
    const runai::NfsDataSource wanted{"lab1-nfs", "100002", "gateway", "/mnt/nfs/lab1", "/mnt/nfs", false};
    const auto first =
        or_throw(state_.begin_step("lab1", "register_data_source", {.makes_data_source = wanted}));
    or_throw(state_.fail_step(first, "lab1", {Code::timeout, "no answer"}));
    EXPECT_TRUE(state_.data_source("lab1"));
    const auto second =
        or_throw(state_.begin_step("lab1", "register_data_source", {.makes_data_source = wanted}));
    or_throw(state_.fail_step(second, "lab1", {Code::denied, "no permission"}, true));
    EXPECT_FALSE(state_.data_source("lab1"));
}

}  // namespace
}  // namespace stowage::controller
