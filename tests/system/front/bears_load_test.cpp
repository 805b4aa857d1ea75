// Many clients, and clients that vanish at any moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "tests/support/sanitized.hpp"
#include "tests/system/front/front_process.hpp"
#include "tests/system/front/ftps_client.hpp"

namespace stowage::testing {
namespace {

using ::testing::StartsWith;
using namespace std::string_literals;

class Load : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the front starts as root: it enters an empty root directory";
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    bool serves(const FrontProcess& front, const std::string& address = "127.0.0.1") {
        FtpsClient client(front.port(), address);
        return client.auth_tls() && client.command("NOOP").starts_with("200 ");
    }
    std::size_t resident_kilobytes(pid_t pid) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
        return 0;
    }
};

// Taken out (the limit of connections without a login): this fails.
TEST_F(Load, OfOneAddressDoesNotStarveAnother) {
    const FrontProcess front;
    std::vector<FtpsClient> crowd;
    std::size_t greeted = 0, refused = 0;
    for (int i = 0; i < 1000; ++i) {
        crowd.emplace_back(front.port());
        const auto reply = crowd.back().reply();
        greeted += reply.starts_with("220 ");
        refused += reply.starts_with("421 ");
    }
    EXPECT_EQ(greeted + refused, 1000u);
    EXPECT_EQ(greeted, 80u);
    EXPECT_TRUE(serves(front, "127.0.0.2"));
    crowd.clear();
    bool again = false;
    for (int i = 0; i < 100 && !again; ++i)
        again = serves(front);
    EXPECT_TRUE(again);
}

// How many reads in a row one connection has: tests/unit/ftps_front/turn_test.cpp.
TEST_F(Load, OfOneSilentLineDoesNotStarveAnother) {
    const FrontProcess front;
    FtpsClient flooder(front.port(), "127.0.0.2");
    EXPECT_THAT(flooder.reply(), StartsWith("220 "));
    std::atomic<bool> done = false;
    std::thread flood([&] {
        const std::string bytes(65536, 'x');  // never a line end
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!done && std::chrono::steady_clock::now() < end)
            if (::send(flooder.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) break;
    });
    for (int i = 0; i < 5; ++i) {
        const auto asked = std::chrono::steady_clock::now();
        EXPECT_TRUE(serves(front));
        EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(10));
    }
    done = true;
    flood.join();
}

// Taken out (OpenSSL's SSL_MODE_AUTO_RETRY stays on): all of them are taken in one call, and this fails;
// 600,000, made beforehand, kept everybody out for half a minute.
TEST_F(Load, OfKeyUpdatesDoesNotStarveAnother) {
    const FrontProcess front;
    FtpsClient flooder(front.implicit_port(), "127.0.0.2"), other(front.port());
    ASSERT_TRUE(flooder.start_tls());
    EXPECT_THAT(flooder.reply(), StartsWith("220 "));
    ASSERT_TRUE(other.auth_tls());
    const auto updates = flooder.key_updates(20000, "NOOP");
    const std::size_t begun = 64 * 1024;
    ASSERT_EQ(::send(flooder.fd(), updates.data(), begun, MSG_NOSIGNAL), static_cast<ssize_t>(begun));
    std::thread flood([&] {
        for (std::size_t sent = begun; sent < updates.size();) {
            const auto put = ::send(flooder.fd(), updates.data() + sent, updates.size() - sent, MSG_NOSIGNAL);
            if (put <= 0) break;
            sent += static_cast<std::size_t>(put);
        }
    });
    EXPECT_THAT(other.command("NOOP"), StartsWith("200 "));
    pollfd answered{flooder.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&answered, 1, 0), 0) << "the others had to wait for the flood's end";
    flood.join();
    EXPECT_THAT(flooder.reply(), StartsWith("200 "));
}

// Taken out (the look at max_sessions): this fails.
TEST_F(Load, BeyondTheLimitIsTurnedAway) {
    const FrontProcess front(Settings{{"ftps.max_sessions", "2"}});
    FtpsClient first(front.port()), second(front.port());
    EXPECT_THAT(first.reply(), StartsWith("220 "));
    EXPECT_THAT(second.reply(), StartsWith("220 "));
    FtpsClient third(front.port());
    EXPECT_THAT(third.reply(), StartsWith("421 Too many connections"));
    EXPECT_TRUE(third.is_closed());
}

// Taken out (sessions_by_descriptors() says any number): this fails.
TEST_F(Load, StopsBeforeTheDescriptorsEnd) {
    FrontProcess front({}, 100);
    std::vector<FtpsClient> clients;
    std::size_t greeted = 0;
    for (int i = 0; i < 60; ++i) {
        clients.emplace_back(front.port());
        greeted += clients.back().reply().starts_with("220 ");
    }
    EXPECT_EQ(greeted, 34u);
    ASSERT_TRUE(clients.front().command("AUTH TLS").starts_with("234 ") && clients.front().start_tls());
    clients.front().send("USER alice\r\nPASS x\r\n");
    const auto worker = front.accept_login(front.receive<message::LoginRequest>());
    ASSERT_EQ(::send(worker.get(), "D230 hello\r\n", 12, MSG_NOSIGNAL), 12);
    EXPECT_THAT(clients.front().reply(), StartsWith("331 "));
    EXPECT_THAT(clients.front().reply(), StartsWith("230 "));
}

// Taken out (SIGPIPE is not ignored): this fails.
TEST_F(Load, OfResetsInEveryStateIsBorne) {
    FrontProcess front(Settings{{"ftps.failed_login_time", "0s"}});
    for (int round = 0; round < 20; ++round) {
        FtpsClient(front.port()).reset();
        FtpsClient hello(front.implicit_port());
        hello.send("\x16\x03\x01\x02\x00\x01\x00"s);
        hello.reset();
        FtpsClient auth(front.port());
        (void)auth.reply();
        auth.send("AUTH TLS\r\n");
        auth.reset();
        FtpsClient encrypted(front.implicit_port());
        ASSERT_TRUE(encrypted.start_tls({round % 2 ? TLS1_2_VERSION : TLS1_3_VERSION}));
        encrypted.reset();
        for (const bool accepted : {true, false}) {
            FtpsClient asking(front.implicit_port());
            ASSERT_TRUE(asking.start_tls());
            asking.send("USER alice\r\nPASS x\r\n");
            const auto request = front.receive<message::LoginRequest>();
            asking.reset();
            if (!accepted) {
                front.refuse_login(request, message::LoginOutcome::denied);
                continue;
            }
            const auto worker = front.accept_login(request);
            (void)!::send(worker.get(), "T", 1, MSG_NOSIGNAL);
            (void)!::send(worker.get(), "D230 hello\r\n", 12, MSG_NOSIGNAL);
            EXPECT_EQ(front.receive<message::SessionEnded>().session, request.session);
        }
    }
    EXPECT_TRUE(front.is_alive());
    EXPECT_TRUE(serves(front));
}

/// Sessions that are logged in and do nothing.
struct Idle {
    std::vector<FtpsClient> clients = {};
    std::vector<Fd> workers = {};
};

Idle idle_sessions(FrontProcess& front, std::size_t count) {
    Idle idle;
    for (std::size_t i = 0; i < count; ++i) {
        auto& client = idle.clients.emplace_back(front.implicit_port());
        if (!client.start_tls()) throw std::runtime_error("no TLS");
        client.send("USER alice\r\nPASS x\r\n");
        idle.workers.push_back(front.accept_login(front.receive<message::LoginRequest>()));
        if (::send(idle.workers.back().get(), "D230 hello\r\n", 12, MSG_NOSIGNAL) != 12)
            throw std::runtime_error("the front has closed the session");
        for (std::string reply; !reply.starts_with("230 ");) {
            reply = client.reply();
            if (reply.empty()) throw std::runtime_error("the front has closed the connection");
        }
    }
    return idle;
}

TEST_F(Load, OfIdleSessionsCostsLittleMemory) {
    if (is_sanitized) GTEST_SKIP() << "the sanitizers' own memory would be counted";
    FrontProcess front;
    constexpr std::size_t count = 500;
    const auto before = resident_kilobytes(front.pid());
    const auto idle = idle_sessions(front, count);
    const auto each = (resident_kilobytes(front.pid()) - before) / count;
    std::cout << "idle session: " << each << " KiB of the front's memory\n";
    EXPECT_LT(each, 60u);
}

// Fails without FreedMemory: the front keeps all of it.
TEST_F(Load, OfSessionsThatHaveEndedLeavesLittleMemory) {
    if (is_sanitized) GTEST_SKIP() << "the sanitizers' own memory would be counted";
    FrontProcess front;
    constexpr std::size_t count = 500;
    (void)idle_sessions(front, 1);
    (void)front.receive<message::SessionEnded>();
    const auto now = [&] { return static_cast<long>(resident_kilobytes(front.pid())); };
    const auto before = now();
    auto idle = idle_sessions(front, count);
    const auto most = now() - before;
    idle = {};
    for (std::size_t i = 0; i < count; ++i)
        (void)front.receive<message::SessionEnded>();
    EXPECT_TRUE(serves(front)) << "so that the last one is gone";
    const auto left = now() - before;
    std::cout << count << " sessions: " << most << " KiB, of which " << left << " KiB are left\n";
    EXPECT_LT(left, most * 2 / 3);
}

}  // namespace
}  // namespace stowage::testing
