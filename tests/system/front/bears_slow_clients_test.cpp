// Clients that hold a connection and do nothing with it, and those who are not to be let in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>

#include "ftps/protocol/session_packets.hpp"
#include "gateway/base/messages/workers.hpp"
#include "tests/system/front/front_process.hpp"
#include "tests/system/front/ftps_client.hpp"

namespace stowage::testing {
namespace {

using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;
using namespace std::string_literals;

class Slow : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the front starts as root: it enters an empty root directory";
        (void)::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to those who have hung up
    }
    bool has_ended(const FtpsClient& client, int milliseconds) {
        pollfd wait{client.fd(), POLLRDHUP, 0};
        return ::poll(&wait, 1, milliseconds) == 1;
    }
    /// Sends a byte ten times a second until the front has enough; how long that took, in seconds.
    double dribble(FtpsClient& client, const std::function<void()>& send_one) {
        const auto start = Clock::now();
        while (!has_ended(client, 100) && Clock::now() - start < std::chrono::seconds(8))
            send_one();
        return std::chrono::duration<double>(Clock::now() - start).count();
    }
    /// What a connection from there is greeted with, once the front has taken what was sent to it before.
    std::string greeting(const FrontProcess& front, const std::string& address, std::string_view expected) {
        std::string reply;
        for (int i = 0; i < 100 && !reply.starts_with(expected); ++i)
            reply = FtpsClient(front.port(), address).reply();
        return reply;
    }
    message::PutBan ban(std::string_view network) {
        message::PutBan m;
        m.network.assign_cut(network);
        m.seconds = 600;
        return m;
    }
};

// Were the limit put off by each byte (or not there), these would go on for their 8 s.
TEST_F(Slow, AByteNowAndThenDoesNotPutTheLoginLimitOff) {
    const FrontProcess front(Settings{{"ftps.login_timeout", "1s"}});
    FtpsClient plain(front.port());
    (void)plain.reply();
    EXPECT_LT(dribble(plain, [&] { plain.send("N"); }), 4);
    FtpsClient encrypted(front.implicit_port());
    ASSERT_TRUE(encrypted.start_tls());
    EXPECT_LT(dribble(encrypted, [&] { encrypted.send("N"); }), 4);
    FtpsClient late_hello(front.implicit_port());
    late_hello.send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s);
    EXPECT_LT(dribble(late_hello, [&] { late_hello.send("\0"s); }), 4);
    FtpsClient late_auth(front.port());
    (void)late_auth.reply();
    EXPECT_THAT(late_auth.command("AUTH TLS"), StartsWith("234 "));
    late_auth.send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s);
    EXPECT_LT(dribble(late_auth, [&] { late_auth.send("\0"s); }), 4);
}

// Taken out (each line begins the limit anew): this fails.
TEST_F(Slow, CompleteLinesDoNotPutTheLoginLimitOffEither) {
    const FrontProcess front(Settings{{"ftps.login_timeout", "1s"}});
    FtpsClient talking(front.port());
    EXPECT_LT(dribble(talking, [&] { talking.send("NOOP\r\n"); }), 4);
}

// Without downstream_limit in ControlSession::send() the session stays for ever.
TEST_F(Slow, WhoeverReadsNothingLosesTheSession) {
    FrontProcess front(Settings{{"ftps.idle_timeout", "5s"}});
    FtpsClient client(front.implicit_port());
    client.set_receive_buffer(4096);
    ASSERT_TRUE(client.start_tls());
    client.send("USER alice\r\nPASS right\r\n");
    const auto request = front.receive<message::LoginRequest>();
    const auto worker = front.accept_login(request);
    const auto packet = "D" + std::string(session_packet::max_payload, 'x');
    const auto start = Clock::now();
    bool full = false;
    while (!full && Clock::now() - start < std::chrono::seconds(9)) {
        pollfd wait{worker.get(), POLLOUT, 0};
        full = ::poll(&wait, 1, 500) != 1 ||
               ::send(worker.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    }
    EXPECT_TRUE(full);
    EXPECT_EQ(front.receive<message::SessionEnded>().session, request.session);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(12));
}

// Taken out one by one (the ban, its lifting): each fails.
TEST_F(Slow, BannedAddressesAreTurnedAwayAtTheDoor) {
    const FrontProcess front;
    or_throw(ipc::send(front.channel(), ban("127.0.0.5")));
    or_throw(ipc::send(front.channel(), ban("127.0.0.6")));
    EXPECT_THAT(greeting(front, "127.0.0.5", "421 "),
                StartsWith("421 Too many refused logins from your address"));
    EXPECT_THAT(greeting(front, "127.0.0.7", "220 "), StartsWith("220 "));
    FtpsClient implicit(front.implicit_port(), "127.0.0.5");
    EXPECT_FALSE(implicit.start_tls());
    message::LiftBan lift;
    lift.network.assign_cut("127.0.0.5");
    or_throw(ipc::send(front.channel(), lift));
    EXPECT_THAT(greeting(front, "127.0.0.5", "220 "), StartsWith("220 "));
    EXPECT_THAT(greeting(front, "127.0.0.6", "421 "), StartsWith("421 "));
    or_throw(ipc::send(front.channel(), message::LiftBan{}));
    EXPECT_THAT(greeting(front, "127.0.0.6", "220 "), StartsWith("220 "));
}

// Taken out one by one (each of the two limits): each fails.
TEST_F(Slow, AnAddressHasSoManyConnectionsWithAndWithoutALogin) {
    FrontProcess front(
        Settings{{"ftps.max_sessions_per_address", "3"}, {"ftps.max_logins_per_address", "2"}});
    FtpsClient first(front.implicit_port()), second(front.port());
    ASSERT_TRUE(first.start_tls());
    (void)first.reply();
    EXPECT_THAT(second.reply(), StartsWith("220 "));
    EXPECT_THAT(FtpsClient(front.port()).reply(),
                StartsWith("421 Your address has 2 connections without a login"));
    first.send("USER alice\r\nPASS right\r\n");
    const auto worker = front.accept_login(front.receive<message::LoginRequest>());
    ASSERT_EQ(::send(worker.get(), "D230 hello\r\n", 12, MSG_NOSIGNAL), 12);
    EXPECT_THAT(first.reply(), StartsWith("331 "));
    EXPECT_THAT(first.reply(), StartsWith("230 "));
    FtpsClient third(front.port());
    EXPECT_THAT(third.reply(), StartsWith("220 "));
    EXPECT_THAT(FtpsClient(front.port()).reply(), StartsWith("421 Your address has 3 connections"));
    EXPECT_THAT(FtpsClient(front.port(), "127.0.0.2").reply(), StartsWith("220 "));
}

// Taken out (EndSession is not obeyed): this fails.
TEST_F(Slow, SessionsAreCutByOrder) {
    FrontProcess front;
    FtpsClient client(front.implicit_port());
    ASSERT_TRUE(client.start_tls());
    (void)client.reply();
    client.send("CLNT Some Client 1.0\r\nUSER alice\r\nPASS right\r\n");
    const auto request = front.receive<message::LoginRequest>();
    EXPECT_EQ(request.client.view(), "Some Client 1.0");
    const auto worker = front.accept_login(request);  // which says nothing more
    or_throw(ipc::send(front.channel(), message::EndSession{request.session + 1}));
    or_throw(ipc::send(front.channel(), message::EndSession{request.session}));
    EXPECT_EQ(front.receive<message::SessionEnded>().session, request.session);
    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(front.is_alive());
}

// Taken out (answered as a wrong password): this fails.
TEST_F(Slow, BannedLoginsAreToldAndClosed) {
    FrontProcess front;
    FtpsClient client(front.implicit_port());
    ASSERT_TRUE(client.start_tls());
    (void)client.reply();
    client.send("USER alice\r\nPASS right\r\n");
    EXPECT_THAT(client.reply(), StartsWith("331 "));
    front.refuse_login(front.receive<message::LoginRequest>(), message::LoginOutcome::banned, "Not now.");
    EXPECT_EQ(client.reply(), "421 Not now.\r\n");
    EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace stowage::testing
