// Commands that a client sends ahead while something runs that ABOR, or the client's end, has to end.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

std::string many(std::size_t count, const std::string& command) {
    std::string lines;
    for (std::size_t line = 0; line < count; ++line)
        lines += command + "\r\n";
    return lines;
}

class SentAhead : public testing::Test {
  protected:
    static Rig::Options options() {
        Rig::Options options;
        options.config = {{"ftps.data_timeout", "6s"}};
        return options;
    }
    /// Nobody connects: it runs until somebody ends it.
    static void begin_upload(Rig::Login& login) {
        Rig::epsv(*login.control);
        ASSERT_EQ(login.control->ask("STOR set").code, 150);
    }

    Rig rig{options()};
    Rig::Login alice = rig.login();
};

}  // namespace

// These were seen to fail when nothing was read behind 64 commands.

TEST_F(SentAhead, AbortIsSeenBehindManyCommands) {
    begin_upload(alice);
    alice.control->send_raw(many(200, "DELE missing"));
    alice.control->send("ABOR");
    EXPECT_EQ(alice.control->read(4).code, 426);
    for (int reply = 0; reply < 200; ++reply)
        ASSERT_EQ(alice.control->read().code, 550) << reply;
    EXPECT_EQ(alice.control->read().code, 226);
}

TEST_F(SentAhead, AbortOfALongCommandIsSeenBehindManyCommands) {
    std::ofstream(rig.lab() / "endless").close();
    std::filesystem::resize_file(rig.lab() / "endless", 1ull << 40);
    alice.control->send("HASH endless");
    alice.control->send_raw(many(200, "DELE missing"));
    alice.control->send("ABOR");
    EXPECT_EQ(alice.control->read(8).code, 426);
    for (int reply = 0; reply < 200; ++reply)
        ASSERT_EQ(alice.control->read().code, 550) << reply;
    EXPECT_EQ(alice.control->read().code, 226);
}

TEST_F(SentAhead, WhatWaitsIsNotDoneForAClientThatIsGone) {
    rig.write_as_pod("/precious", "old");
    const auto before = rig.descriptors();
    auto bob = rig.login("bob");
    begin_upload(bob);
    bob.control->send_raw("DELE precious\r\n" + many(1000, "DELE missing"));
    bob.control->send_raw(many(1000, "DELE missing"));  // without this its end was seen in time, now and then
    bob.control->hang_up();
    ASSERT_TRUE(comes_true([&] { return rig.descriptors() <= before; }));
    EXPECT_EQ(rig.content("/precious"), "old");
}

// As much as that is for no client's good; without an end it would be for nobody's.
// Taken out (max_ahead_bytes): this fails.
TEST_F(SentAhead, EndlesslyManyCommandsEndTheSessionAndItsTransfer) {
    begin_upload(alice);
    const auto lines = many(1000, "DELE missing");
    for (int packet = 0; packet < 100; ++packet)
        alice.control->send_raw(lines);
    EXPECT_EQ(alice.control->read().code, 426);
    const auto last = alice.control->read();
    EXPECT_EQ(last.code, 421) << last.text;
    EXPECT_EQ(alice.control->read().code, 0);
    EXPECT_TRUE(alice.control->close_was_asked());
}

// Where nothing runs that must be ended, a client that sends ahead waits, however much it sends.
// Taken out (more than 64 end the session): this fails.
TEST_F(SentAhead, ManyCommandsInARowAreAllDone) {
    std::thread sender([this] {
        for (int packet = 0; packet < 20; ++packet)
            alice.control->send_raw(many(1000, "NOOP"));
    });
    for (int reply = 0; reply < 20'000; ++reply)
        if (alice.control->read().code != 200) {
            ADD_FAILURE() << reply;
            break;
        }
    sender.join();
}

}  // namespace stowage::ftps::rig
