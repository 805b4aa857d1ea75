// What we are about to make in Run:ai, as the database keeps it.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "gateway/controller/state/state.hpp"
#include "temporary_directory.hpp"

namespace stowage::controller {
namespace {

class ObjectsTest : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    State state_ = or_throw(State::open(directory_.path()));
    const OwnedObject alice_{ObjectKind::user, "alice@example.org", "", true};

    std::int64_t begin(const OwnedObject& object) {
        return or_throw(state_.begin_object(object, "create " + object.key));
    }
    void make_old() {
        auto database = or_throw(sqlite::Database::open(directory_.path() + "/stowage.db"));
        or_throw(database.execute("UPDATE runai_objects SET since = 1"));
    }
    std::int64_t age() const { return now_seconds() - state_.objects().at(0).since; }
};

TEST_F(ObjectsTest, IntentsAreForgottenAndWhatIsOursIsNot) {
    begin(alice_);
    const OwnedObject gpu{ObjectKind::compute_resource, "gpu1", "c1", true};
    or_throw(state_.end_object(begin(gpu), gpu));
    or_throw(state_.forget_intents({alice_, gpu}));
    const auto left = state_.objects();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].key, "gpu1");
}

/// Tries take minutes: what counts is when the last of them was sent.
TEST_F(ObjectsTest, AnIntentIsAsOldAsItsLastRequest) {
    const auto id = begin(alice_);
    EXPECT_LT(age(), 60);
    make_old();
    or_throw(state_.fail_object(id, alice_, {Code::timeout, "no answer"}, false));
    EXPECT_LT(age(), 60);
}

TEST_F(ObjectsTest, AnIntentThatAKillCutOffIsAsOldAsTheStartAfterIt) {
    const auto id = begin(alice_);
    make_old();
    EXPECT_EQ(or_throw(state_.take_interrupted()).size(), 1U);
    EXPECT_LT(age(), 60);
    make_old();
    EXPECT_TRUE(or_throw(state_.take_interrupted()).empty());
    EXPECT_GT(age(), 60) << "a start that found nothing cut off says nothing of it";
    or_throw(state_.fail_object(id, alice_, {Code::unavailable, "refused"}, true));
    EXPECT_TRUE(state_.objects().empty());
}

}  // namespace
}  // namespace stowage::controller
