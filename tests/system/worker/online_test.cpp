// What the supervisor learns of sessions, how it ends them, and how long an idle one lasts.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

Rig with(std::vector<std::pair<std::string, std::string>> settings) {
    return Rig(Rig::Options{.directory = {}, .config = std::move(settings)});
}

message::Activity activity_of(Rig& rig, std::uint64_t session, std::uint32_t id = 7) {
    or_throw(ipc::send(rig.supervisor(), message::ActivityQuery{session}, {}, id));
    const auto packet = or_throw(ipc::receive(rig.supervisor()));
    EXPECT_EQ(packet.header.id, id);
    return or_throw(packet.as<message::Activity>());
}

}  // namespace

// With the limit counted from the last byte instead of the last command this lasts for 20 s.
TEST(Online, BytesOfALineThatNeverEndsDoNotPutTheIdleLimitOff) {
    auto rig = with({{"ftps.idle_timeout", "5s"}});
    auto alice = rig.login();
    const auto began = Clock::now();
    Reply last;
    for (int i = 0; i < 20 && last.code == 0; ++i) {
        alice.control->send_raw("N");
        last = alice.control->read(1);
    }
    EXPECT_EQ(last.code, 421) << last.text;
    EXPECT_NE(last.text.find("Nothing was asked"), std::string::npos);
    EXPECT_GE(Clock::now() - began, 4s);
    EXPECT_LT(Clock::now() - began, 12s);
}

// A transfer longer than the idle limit, with a silent control connection (ftpserverlib#430).
// Taken out (the limit counted from the command that the transfer began with): the NOOP is answered 421.
TEST(Online, DataActivityCountsAsActivity) {
    auto rig = with({{"ftps.idle_timeout", "5s"}});
    auto alice = rig.login();
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR slow").code, 150);
    ASSERT_TRUE(data.handshake());
    for (const auto end = Clock::now() + 6500ms; Clock::now() < end; ::poll(nullptr, 0, 250))
        ASSERT_TRUE(data.write("x"));
    data.finish();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(alice.control->ask("NOOP").code, 200);
}

// Taken out (limit_waits() does nothing): both wait for ever.
TEST(Online, ADataConnectionOnWhichNothingMovesEndsItsTransfer) {
    Rig::Options options;
    options.config = {{"ftps.data_timeout", "1s"}};
    Rig rig(options);
    auto alice = rig.login();
    Data up(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR set").code, 150);
    ASSERT_TRUE(up.handshake());
    ASSERT_TRUE(up.write("half"));
    const auto stalled = alice.control->read();
    EXPECT_EQ(stalled.code, 426);
    EXPECT_NE(stalled.text.find("nothing moved on the data connection for 1 s"), std::string::npos)
        << stalled.text;
    EXPECT_TRUE(rig.visible().empty());
    EXPECT_EQ(alice.control->ask("SIZE set").text, "213 4\r\n") << "it can be gone on with";
    rig.write_as_pod("/large", std::string(32 << 20, 'x'));  // more than sockets on loopback hold
    Data down(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("RETR large").code, 150);
    ASSERT_TRUE(down.handshake());
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(rig.store(alice, "APPE set", " whole").code, 226);
    EXPECT_EQ(rig.content("/set"), "half whole");
}

// Taken out (ControlLink::max_queued_bytes): the replies pile up in the worker, and this fails.
TEST(Online, WhoeverReadsNoRepliesLosesTheSession) {
    Rig rig;
    auto alice = rig.login();
    constexpr int asked = 40000;  // for some 20 MB of replies
    for (int i = 0; i < asked; ++i)
        alice.control->send("HELP");
    int answered = 0;
    while (alice.control->read(5).code == 214)
        ++answered;
    EXPECT_LT(answered, asked);
    EXPECT_EQ(alice.control->ask("NOOP").code, 0) << "the session is over";
    auto bob = rig.login("bob");
    EXPECT_EQ(bob.control->ask("NOOP").code, 200);
}

// Taken out (abort_transfer() at the end of the control connection): the upload goes on, and this fails.
TEST(Online, WhoeverReadsNoRepliesLosesTheTransferToo) {
    Rig rig;
    auto alice = rig.login();
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR set").code, 150);
    ASSERT_TRUE(data.handshake());
    ASSERT_TRUE(data.write("half"));
    for (int i = 0; i < 200000; ++i)  // for some 6 MB of replies
        alice.control->send("NOOP");
    EXPECT_TRUE(comes_true([&data] { return !data.write("x"); })) << "data that still come do not keep it";
    EXPECT_TRUE(rig.visible().empty());
    auto bob = rig.login("bob");
    EXPECT_EQ(bob.control->ask("SIZE set").code, 213) << "it can be gone on with";
}

TEST(Online, ASessionIsToldWithWhatItDoes) {
    Rig rig;
    auto alice = rig.login();
    EXPECT_EQ(activity_of(rig, 1).doing.verb.view(), "");
    ASSERT_EQ(alice.control->ask("CLNT Evil\x1b[2J 1.0").code, 200);
    ASSERT_EQ(alice.control->ask("MKD /deep").code, 257);
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR /deep/file").code, 150);
    ASSERT_TRUE(data.handshake());
    ASSERT_TRUE(data.write(std::string(50000, 'x')));
    message::Activity seen;
    for (int i = 0; i < 500 && seen.doing.bytes < 50000; ++i) {
        seen = activity_of(rig, 1);
        ::poll(nullptr, 0, 10);
    }
    EXPECT_EQ(seen.session, 1u);
    EXPECT_EQ(seen.doing.verb.view(), "STOR");
    EXPECT_EQ(seen.doing.path.view(), "/deep/file");
    EXPECT_EQ(seen.doing.client.view(), "Evil\x1b[2J 1.0");
    EXPECT_EQ(seen.doing.bytes, 50000u);
    EXPECT_EQ(seen.doing.idle_s, 0u);
    data.finish();
    EXPECT_EQ(alice.control->read().code, 226);
    // The transfer's thread says 226 itself, and the worker's loop hears of the end behind it.
    message::Activity idle;
    EXPECT_TRUE(comes_true([&] {
        idle = activity_of(rig, 1, 8);
        return idle.doing.verb.view().empty();
    }));
    EXPECT_EQ(idle.doing.bytes, 0u);
    EXPECT_EQ(activity_of(rig, 99, 9).doing.verb.view(), "") << "one that is gone";
}

TEST(Online, ALongPathIsCutInFront) {
    Rig rig;
    auto alice = rig.login();
    std::string path;
    for (int i = 0; i < 4; ++i) {
        path += "/" + std::string(200, static_cast<char>('a' + i));
        ASSERT_EQ(alice.control->ask("MKD " + path).code, 257);
    }
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR " + path + "/file").code, 150);
    const auto seen = activity_of(rig, 1);
    EXPECT_EQ(seen.doing.path.size, 480u);
    EXPECT_TRUE(seen.doing.path.view().ends_with("ddd/file"));
    data.cut();
    EXPECT_NE(alice.control->read().code, 226);
}

TEST(Online, AnIdleSessionEndsByOrderAndOthersGoOn) {
    Rig rig;
    auto alice = rig.login(), bob = rig.login("bob");
    or_throw(ipc::send(rig.supervisor(), message::EndSession{1}));
    const auto reply = alice.control->read();
    EXPECT_EQ(reply.code, 421);
    EXPECT_NE(reply.text.find("administrator"), std::string::npos);
    EXPECT_EQ(alice.control->read().code, 0);
    EXPECT_TRUE(alice.control->close_was_asked());
    or_throw(ipc::send(rig.supervisor(), message::EndSession{77}));
    EXPECT_EQ(bob.control->ask("NOOP").code, 200);
}

TEST(Online, ATransferEndsByOrderAndPublishesNothing) {
    Rig rig;
    auto alice = rig.login();
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR file").code, 150);
    ASSERT_TRUE(data.handshake());
    ASSERT_TRUE(data.write("half"));
    alice.control->send("NOOP");  // and what is still to come is not done any more
    ASSERT_EQ(alice.control->read().code, 200);
    or_throw(ipc::send(rig.supervisor(), message::EndSession{1}));
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(alice.control->read().code, 421);
    EXPECT_TRUE(rig.visible().empty());
}

}  // namespace stowage::ftps::rig
