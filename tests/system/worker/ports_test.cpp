// Data connections: active mode, EPSV ALL, listeners and their ports, the order of 150 and handshake.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <random>
#include <set>
#include <thread>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

/// A client's port for active mode.
class Listener {
  public:
    Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
            ::listen(socket_.get(), 1) != 0 ||
            ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0)
            throw std::runtime_error("no port for active mode");
        port_ = ntohs(here.sin_port);
    }
    unsigned port() const { return port_; }
    Fd accept() const {
        const timeval limit{10, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        return Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }

  private:
    Fd socket_;
    unsigned port_ = 0;
};

bool is_free(std::uint16_t port) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons(port);
    return ::bind(socket.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) == 0;
}

/// The first of `count` ports in a row that nobody has. Below those that the kernel gives to clients: one of
/// them could lie among ours, and keeps its port for a minute after its end.
std::uint16_t free_ports(std::uint16_t count) {
    std::random_device random;
    for (;;) {
        const auto first = static_cast<std::uint16_t>(12000 + random() % 20000);
        std::uint16_t free = 0;
        while (free < count && is_free(static_cast<std::uint16_t>(first + free)))
            ++free;
        if (free == count) return first;
    }
}

std::string range_of(std::uint16_t first, int count) {
    return std::to_string(first) + "-" + std::to_string(first + count - 1);
}

Rig::Options with(std::vector<std::pair<std::string, std::string>> config) {
    Rig::Options options;
    options.config = std::move(config);
    return options;
}

}  // namespace

class ActiveMode : public testing::TestWithParam<int> {};

TEST_P(ActiveMode, UploadsAndDownloadsGoToThePeer) {
    Rig rig;
    auto alice = rig.login("alice", "127.0.0.1", GetParam());
    for (const bool extended : {false, true}) {
        const Listener listener;
        const auto port = listener.port();
        const auto prepare =
            extended ? "EPRT |1|127.0.0.1|" + std::to_string(port) + "|"
                     : "PORT 127,0,0,1," + std::to_string(port >> 8) + "," + std::to_string(port & 255);
        const auto name = extended ? "eprt" : "port";
        ASSERT_EQ(alice.control->ask(prepare).code, 200);
        ASSERT_EQ(alice.control->ask(std::string("STOR ") + name).code, 150);
        Data up(listener.accept(), mint(rig.key(), alice.nonce, GetParam()), GetParam());
        ASSERT_TRUE(up.handshake());
        up.write(name);
        up.finish();
        EXPECT_EQ(alice.control->read().code, 226);
        EXPECT_EQ(rig.content(std::string("/") + name), name);
        ASSERT_EQ(alice.control->ask(prepare).code, 200);
        ASSERT_EQ(alice.control->ask(std::string("RETR ") + name).code, 150);
        Data down(listener.accept(), mint(rig.key(), alice.nonce, GetParam()), GetParam());
        ASSERT_TRUE(down.handshake());
        EXPECT_EQ(down.read_all(), name);
        down.finish();
        EXPECT_EQ(alice.control->read().code, 226);
    }
}

INSTANTIATE_TEST_SUITE_P(Versions, ActiveMode, testing::Values(tls12, tls13),
                         [](const auto& version) { return version.param == tls12 ? "Tls12" : "Tls13"; });

// Taken out one by one (the address, the port in DataConnection::aim()): each fails.
TEST(ActivePorts, OthersAddressesAndLowPortsAreRefused) {
    Rig rig;
    auto alice = rig.login();
    for (const auto* command : {"PORT 10,0,0,1,200,0", "PORT 127,0,0,2,200,0", "PORT 127,0,0,1,0,80",
                                "PORT 127,0,0,1,3,255", "EPRT |1|10.0.0.1|50000|", "EPRT |2|::1|50000|",
                                "EPRT |1|127.0.0.1|1023|", "EPRT |2|::ffff:10.0.0.1|50000|"}) {
        EXPECT_EQ(alice.control->ask(command).code, 500) << command;
        EXPECT_EQ(alice.control->ask("LIST").code, 425) << "nothing is prepared after " << command;
    }
    EXPECT_EQ(alice.control->ask("PORT 127,0,0,1,4,0").code, 200);
}

// Taken out (the look at ftps.active_mode): this fails.
TEST(ActivePorts, CanBeSwitchedOff) {
    Rig rig(with({{"ftps.active_mode", "false"}}));
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("PORT 127,0,0,1,200,0").code, 502);
    EXPECT_EQ(alice.control->ask("EPRT |1|127.0.0.1|50000|").code, 502);
    EXPECT_EQ(alice.control->ask("FEAT").text.find("EPRT"), std::string::npos);
    EXPECT_EQ(rig.store(alice, "STOR set", "x").code, 226);
}

// Taken out (epsv_all is forgotten): this fails.
TEST(EpsvAll, OutlivesFailedTransfers) {
    Rig rig;
    auto alice = rig.login();
    ASSERT_EQ(alice.control->ask("EPSV ALL").code, 200);
    const auto others_are_refused = [&alice] {
        for (const auto* command : {"PASV", "PORT 127,0,0,1,200,0", "EPRT |1|127.0.0.1|50000|"})
            EXPECT_EQ(alice.control->ask(command).code, 503) << command;
    };
    others_are_refused();
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("RETR nowhere").code, 550);
    others_are_refused();
    Data unresumed(Rig::epsv(*alice.control), "127.0.0.1", nullptr, tls13);
    ASSERT_EQ(alice.control->ask("STOR set").code, 150);
    EXPECT_FALSE(unresumed.handshake());
    EXPECT_EQ(alice.control->read().code, 522);
    others_are_refused();
    Rig::epsv(*alice.control);
    alice.control->send_raw("LIST\r\nABOR\r\n");
    EXPECT_EQ(alice.control->read().code, 150);
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(alice.control->read().code, 226);
    others_are_refused();
    EXPECT_EQ(rig.store(alice, "STOR set", "x").code, 226);
    EXPECT_EQ(alice.control->ask("EPSV 1").code, 229);
    EXPECT_EQ(alice.control->ask("EPSV 2").code, 522);
}

// Taken out (no reset() in listen()): this fails.
TEST(Listeners, AThousandUnusedOnesAreOne) {
    Rig rig;
    auto alice = rig.login();
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 1000; ++i)
        ports.insert(Rig::epsv(*alice.control));
    EXPECT_EQ(rig.listeners(), 1u);
    EXPECT_GT(ports.size(), 100u) << "the next port can be guessed";
    EXPECT_EQ(rig.store(alice, "STOR set", "x").code, 226);
    EXPECT_TRUE(comes_true([&] { return rig.listeners() == 0; })) << "one is left behind a transfer";
}

// Taken out (one port is tried only): this fails.
TEST(Listeners, WorkersShareARangeWithoutCollision) {
    const auto port = free_ports(4);
    const auto options = with({{"ftps.passive_ports", range_of(port, 4)}});
    Rig first(options), second(options), third(options);
    std::vector<Rig::Login> logins;
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 4; ++i) {
        logins.push_back((i % 2 ? first : second).login());
        ports.insert(Rig::epsv(*logins.back().control));
    }
    EXPECT_EQ(ports.size(), 4u);
    EXPECT_EQ(*ports.begin(), port);
    EXPECT_EQ(*ports.rbegin(), port + 3);
    auto late = third.login();
    const auto refused = late.control->ask("EPSV");
    EXPECT_EQ(refused.code, 425) << refused.text;
    EXPECT_NE(refused.text.find("all data ports are taken"), std::string::npos);
    // A port is free again as soon as its right client is connected.
    EXPECT_EQ(second.store(logins[0], "STOR set", "second's").code, 226);
    EXPECT_EQ(third.store(late, "STOR set", "third's").code, 226);
    EXPECT_EQ(first.store(logins[1], "STOR other", "first's").code, 226);
    EXPECT_EQ(first.content("/other"), "first's");
    EXPECT_EQ(third.content("/set"), "third's");
    EXPECT_EQ(second.content("/set"), "second's");
}

// Fails without DataConnection::close_when_unused().
TEST(Listeners, OneThatNobodyUsesGoes) {
    Rig rig(with({{"ftps.data_timeout", "1s"}}));
    auto alice = rig.login();
    EXPECT_EQ(rig.listeners(), 0u);
    ASSERT_NE(Rig::epsv(*alice.control), 0);
    EXPECT_TRUE(comes_true([&] { return rig.listeners() == 0; }));
    const auto late = alice.control->ask("STOR set");
    EXPECT_EQ(late.code, 425);
    EXPECT_NE(late.text.find("EPSV"), std::string::npos) << late.text;
    EXPECT_EQ(rig.store(alice, "STOR set", "x").code, 226);
}

// Fails when only the range ends what a lab may take.
TEST(Listeners, OneLabLeavesPortsToOthers) {
    const auto options = with({{"ftps.passive_ports", range_of(free_ports(8), 8)}});
    Rig greedy(options), other(options);
    std::vector<Rig::Login> logins;
    for (int i = 0; i < 8; ++i) {
        logins.push_back(greedy.login());
        logins.back().control->send("EPSV");
    }
    for (int i = 0; i < 8; ++i) {
        const auto reply = logins[i].control->read();
        EXPECT_EQ(reply.code, i < 4 ? 229 : 425) << reply.text;
        EXPECT_EQ(reply.text.find("share") != std::string::npos, i >= 4) << reply.text;
    }
    auto bob = other.login();
    EXPECT_EQ(other.store(bob, "STOR set", "x").code, 226);
    // Each session has one, and who leaves gives it back.
    EXPECT_EQ(logins[0].control->ask("EPSV").code, 229);
    EXPECT_EQ(logins[1].control->ask("QUIT").code, 221);
    EXPECT_TRUE(comes_true([&] { return logins[4].control->ask("EPSV").code == 229; }));
    EXPECT_EQ(greedy.store(logins[4], "STOR set", "x").code, 226);
}

// curl --parallel opens up to fifty connections in one moment, and takes 425 for a transfer that failed.
// Taken out (EPSV does not wait): the first reply is 425. Taken out (no call_next() in give_back()): nobody
// hears that a port is free before the patience is over, and both get 425.
TEST(Listeners, WhoFindsTheShareUsedUpWaitsForAPortInTurn) {
    Rig rig(with({{"ftps.passive_ports", range_of(free_ports(4), 4)}}));
    std::vector<Rig::Login> logins;
    for (int i = 0; i < 4; ++i)
        logins.push_back(rig.login());
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 2; ++i)
        ports.push_back(Rig::epsv(*logins[i].control));
    logins[2].control->send("EPSV");
    EXPECT_EQ(logins[2].control->read(1).code, 0) << "a third port of a share of two";
    logins[3].control->send("PASV");
    EXPECT_EQ(rig.listeners(), 2u);
    EXPECT_EQ(logins[0].control->ask("QUIT").code, 221);
    EXPECT_EQ(logins[2].control->read(2).code, 229);
    Data data(ports[1], "127.0.0.1", mint(rig.key(), logins[1].nonce, tls13), tls13);
    ASSERT_EQ(logins[1].control->ask("STOR set").code, 150);
    ASSERT_TRUE(data.handshake());  // the right client is there: the port is free, though the upload goes on
    EXPECT_EQ(logins[3].control->read(2).code, 227);
    data.finish();
    EXPECT_EQ(logins[1].control->read().code, 226);
}

// Taken out one by one (ABOR, QUIT and the client's end in is_wanted_elsewhere()): the reply comes seconds
// later.
TEST(Listeners, AWaitForAPortEndsWhenTheClientWantsSomethingElse) {
    Rig rig(with({{"ftps.passive_ports", range_of(free_ports(2), 2)}}));
    auto alice = rig.login(), impatient = rig.login(), leaving = rig.login(), gone = rig.login();
    Rig::epsv(*alice.control);
    impatient.control->send_raw("EPSV\r\n");
    EXPECT_EQ(impatient.control->read(1).code, 0);
    const auto began = std::chrono::steady_clock::now();
    impatient.control->send_raw("ABOR\r\n");
    EXPECT_EQ(impatient.control->read(2).code, 425);
    EXPECT_EQ(impatient.control->read(2).code, 226);
    leaving.control->send_raw("EPSV\r\nQUIT\r\n");
    EXPECT_EQ(leaving.control->read(2).code, 425);
    EXPECT_EQ(leaving.control->read(2).code, 221);
    gone.control->send_raw("EPSV\r\n");
    EXPECT_EQ(gone.control->read(1).code, 0);
    const auto descriptors = rig.descriptors();
    gone.control->hang_up();
    EXPECT_TRUE(comes_true([&] { return rig.descriptors() < descriptors; })) << "its session goes on";
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    // Nobody is left in the line: the next one is served.
    EXPECT_EQ(alice.control->ask("QUIT").code, 221);
    EXPECT_EQ(impatient.control->ask("EPSV").code, 229);
}

// Some clients begin TLS as soon as they are connected, others only after the 150 (rclone#6426).
// Taken out (150 behind the handshake): the client waits for ever.
TEST(Handshakes, MayBeginBeforeTheCommandOrAfterThe150) {
    Rig rig;
    for (const int version : {tls12, tls13}) {
        auto alice = rig.login("alice", "127.0.0.1", version);
        Data early(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, version), version);
        bool accepted = false;
        std::thread hello([&] { accepted = early.handshake(); });
        // The ClientHello is there before the command is: it has no answer to wait for.
        EXPECT_EQ(alice.control->ask("NOOP").code, 200);
        ASSERT_EQ(alice.control->ask("STOR early").code, 150);
        hello.join();
        ASSERT_TRUE(accepted);
        early.write("early");
        early.finish();
        EXPECT_EQ(alice.control->read().code, 226);
        // 150 comes without any byte on the data connection: rig.store() does it in this order.
        EXPECT_EQ(rig.store(alice, "STOR late", "late", version).code, 226);
        EXPECT_EQ(rig.content("/early"), "early");
    }
}

// Node's basic-ftp begins TLS, sends STOR, and ends the stream at the 150; with no byte to send that is a FIN
// in the middle of the handshake. Taken out (150 at once): the first read() gets it, and Node's empty files
// fail now and then.
TEST(Handshakes, ThatHaveBegunAreDoneBeforeThe150) {
    Rig rig;
    for (const int version : {tls12, tls13}) {
        auto alice = rig.login("alice", "127.0.0.1", version);
        Data early(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, version), version);
        ::fcntl(early.fd(), F_SETFL, O_NONBLOCK);
        EXPECT_FALSE(early.handshake());  // the ClientHello is sent
        alice.control->send("STOR empty");
        EXPECT_EQ(alice.control->read(1).code, 0);
        ::fcntl(early.fd(), F_SETFL, 0);
        ASSERT_TRUE(early.handshake());
        EXPECT_EQ(alice.control->read().code, 150);
        early.finish();
        EXPECT_EQ(alice.control->read().code, 226);
    }
}

// Whoever waits for the 150 in the middle of the handshake gets it. Taken out (say_opening_in_time()): it
// comes ten seconds later, with a 425 behind it.
TEST(Handshakes, ThatStopHalfWayDoNotHoldUpThe150) {
    Rig rig;
    auto alice = rig.login();
    Data early(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ::fcntl(early.fd(), F_SETFL, O_NONBLOCK);
    EXPECT_FALSE(early.handshake());
    alice.control->send("STOR set");
    EXPECT_EQ(alice.control->read(5).code, 150);
    ::fcntl(early.fd(), F_SETFL, 0);
    ASSERT_TRUE(early.handshake());
    ASSERT_TRUE(early.write("set"));
    early.finish();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(rig.content("/set"), "set");
    // What is asked meanwhile is answered behind it.
    Data again(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ::fcntl(again.fd(), F_SETFL, O_NONBLOCK);
    EXPECT_FALSE(again.handshake());
    alice.control->send("STOR set");
    EXPECT_EQ(alice.control->read(1).code, 0);
    alice.control->send("NOOP");
    EXPECT_EQ(alice.control->read(1).code, 150) << "a reply out of turn";
    EXPECT_EQ(alice.control->read(1).code, 200);
    alice.control->send_raw("ABOR\r\n");
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(alice.control->read().code, 226);
}

}  // namespace stowage::ftps::rig
