// ABOR, QUIT, a lost control connection and a torn data connection, in every state of a session
// (CVE-2020-9273's class). Whatever comes, the worker serves the next command and keeps no descriptor.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

enum class State { idle, prepared, waiting, shaking_hands, uploading, downloading };
constexpr State all_states[] = {State::idle,          State::prepared,  State::waiting,
                                State::shaking_hands, State::uploading, State::downloading};
constexpr std::uint64_t large_bytes = 32ull << 20;  // more than sockets on loopback hold

struct Client {
    Rig::Login login;
    std::unique_ptr<Data> data;

    Control& control() { return *login.control; }
};

/// A data command is under way in all states from `waiting` on.
Client reach(Rig& rig, State state, int version) {
    Client client{rig.login("alice", "127.0.0.1", version), nullptr};
    if (state == State::idle) return client;
    const auto port = Rig::epsv(client.control());
    if (state == State::prepared) return client;
    if (state != State::waiting)
        client.data =
            std::make_unique<Data>(port, "127.0.0.1", mint(rig.key(), client.login.nonce, version), version);
    EXPECT_EQ(client.control().ask(state == State::downloading ? "RETR large" : "STOR set").code, 150);
    if (state == State::uploading) {
        EXPECT_TRUE(client.data->handshake());
        client.data->write("half");
        EXPECT_TRUE(comes_true(
            [&client] { return client.control().ask("STAT").text.find(": 4 bytes") != std::string::npos; }));
    }
    if (state == State::downloading) {
        EXPECT_TRUE(client.data->handshake());
        EXPECT_TRUE(comes_true(
            [&client] { return client.control().ask("STAT").text.find(": 0 bytes") == std::string::npos; }));
    }
    return client;
}

/// How long its threads ran and how long they waited for a processor (proc(5), schedstat): one that spins
/// does either all the time, however busy the machine is.
std::chrono::nanoseconds wanted_a_processor(pid_t pid) {
    std::int64_t sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::ifstream file(thread.path() / "schedstat");
        std::int64_t ran = 0, waited = 0;
        if (file >> ran >> waited) sum += ran + waited;
    }
    return std::chrono::nanoseconds(sum);
}

}  // namespace

class InEveryState : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        std::ofstream(rig.lab() / "large").close();
        std::filesystem::resize_file(rig.lab() / "large", large_bytes);
    }
    int version() const { return GetParam(); }
    void expect_usable(Rig::Login& login) {
        EXPECT_EQ(rig.store(login, "STOR afterwards", "whole", version()).code, 226);
        EXPECT_EQ(rig.content("/afterwards"), "whole");
    }
    /// After `end` in each state, often: no descriptor, no session and no work is left. A thread that spins
    /// from the first transfer on makes this fail, at a load of 12 as well.
    template <typename End>
    void expect_nothing_left(End end) {
        const auto before = rig.descriptors();
        for (int round = 0; round < 5; ++round)
            for (const auto state : all_states) {
                auto client = reach(rig, state, version());
                end(client, state);
                // Its end, too: until then its upload has the name.
                client.control().hang_up();
                ASSERT_TRUE(comes_true([&] { return rig.descriptors() <= before; }))
                    << rig.descriptors() << " descriptors, before " << before << ", state "
                    << static_cast<int>(state);
            }
        const auto began = std::chrono::steady_clock::now();
        const auto before_rest = wanted_a_processor(rig.pid());
        ASSERT_GT(before_rest.count(), 0);
        ::poll(nullptr, 0, 500);
        const auto wanted = wanted_a_processor(rig.pid()) - before_rest;
        EXPECT_LT(wanted, (std::chrono::steady_clock::now() - began) / 2)
            << "the worker is busy with nothing";
        auto next = rig.login("alice", "127.0.0.1", version());
        expect_usable(next);
    }

    static Rig::Options options() {
        Rig::Options options;
        options.config = {{"ftps.data_timeout", "6s"}};
        return options;
    }

    Rig rig{options()};
};

// Taken out one by one (abort_transfer() ends the transfer, Telnet's bytes are taken off): each fails.
TEST_P(InEveryState, AbortIsAnsweredAsRfc959Says) {
    for (const bool telnet : {false, true})
        for (const auto state : all_states) {
            auto client = reach(rig, state, version());
            client.control().send_raw(telnet ? "\xff\xf4\xff\xf2"
                                               "ABOR\r\n"
                                             : "ABOR\r\n");
            if (state >= State::waiting) {
                const auto transfer = client.control().read();
                EXPECT_EQ(transfer.code, 426) << static_cast<int>(state) << ": " << transfer.text;
            }
            const auto abort = client.control().read();
            EXPECT_EQ(abort.code, 226) << static_cast<int>(state) << ": " << abort.text;
            expect_usable(client.login);
        }
}

// Taken out (225 instead): this fails.
TEST_P(InEveryState, AbortBehindACompletedTransferIs226) {
    auto alice = rig.login("alice", "127.0.0.1", version());
    ASSERT_EQ(rig.store(alice, "STOR set", "whole", version()).code, 226);
    EXPECT_EQ(alice.control->ask("ABOR").code, 226);
    EXPECT_EQ(rig.content("/set"), "whole");
    expect_usable(alice);
}

// Without Session::is_unwanted() this would wait for a data connection until data_timeout.
// Taken out (no is_unwanted() as the transfer begins): this fails.
TEST_P(InEveryState, AbortSentAlongWithItsCommandIsNotForgotten) {
    auto alice = rig.login("alice", "127.0.0.1", version());
    for (const auto* command : {"STOR set", "RETR large", "LIST", "MLSD"}) {
        Rig::epsv(*alice.control);
        alice.control->send_raw(std::string(command) + "\r\nABOR\r\n");
        EXPECT_EQ(alice.control->read().code, 150) << command;
        EXPECT_EQ(alice.control->read(5).code, 426) << command;
        EXPECT_EQ(alice.control->read().code, 226) << command;
    }
    expect_usable(alice);
}

// Taken out (QUIT aborts as ABOR does): this fails.
TEST_P(InEveryState, QuitWaitsForWhatRuns) {
    for (const auto state : all_states) {
        auto client = reach(rig, state, version());
        client.control().send("QUIT");
        if (state == State::waiting) {
            client.control().send("ABOR");  // QUIT itself would wait for the client to connect
            EXPECT_EQ(client.control().read().code, 426);
        }
        if (state == State::shaking_hands) {
            ASSERT_TRUE(client.data->handshake());
            client.data->finish();
            EXPECT_EQ(client.control().read().code, 226);
        }
        if (state == State::uploading) {
            client.data->write(" and half");
            client.data->finish();
            EXPECT_EQ(client.control().read().code, 226);
            EXPECT_EQ(rig.content("/set"), "half and half");
        }
        if (state == State::downloading) {
            EXPECT_EQ(client.data->read_all().size(), large_bytes);
            client.data->finish();
            EXPECT_EQ(client.control().read().code, 226);
        }
        EXPECT_EQ(client.control().read().code, 221) << static_cast<int>(state);
        client.control().read();
        EXPECT_TRUE(client.control().close_was_asked());
    }
}

// Taken out (abort_transfer() at the end of read_commands()): this fails.
TEST_P(InEveryState, ALostControlConnectionLeavesNothing) {
    expect_nothing_left([](Client& client, State) { client.control().hang_up(); });
}

// Taken out (a socket that broke is closed): this fails.
TEST_P(InEveryState, ATornDataConnectionLeavesNothing) {
    expect_nothing_left([](Client& client, State state) {
        if (!client.data) return client.control().hang_up();
        client.data->tear();
        // Torn before its handshake, it leaves the port to another one until data_timeout.
        const auto reply = client.control().read(20);
        EXPECT_TRUE(reply.code == 426 || reply.code == 425) << static_cast<int>(state) << ": " << reply.text;
        EXPECT_EQ(client.control().ask("NOOP").code, 200);
    });
}

// Taken out (a socket that broke is closed): this fails.
TEST_P(InEveryState, BothTornAtOnceLeaveNothing) {
    expect_nothing_left([](Client& client, State) {
        if (client.data) client.data->tear();
        client.control().hang_up();
    });
}

// Taken out (of how many bytes): this fails.
TEST_P(InEveryState, StatTellsHowFarATransferIs) {
    auto waiting = reach(rig, State::waiting, version());
    EXPECT_NE(waiting.control().ask("STAT").text.find("STOR /set: waiting for the data connection"),
              std::string::npos);
    waiting.control().hang_up();
    auto down = reach(rig, State::downloading, version());
    const auto text = down.control().ask("STAT").text;
    EXPECT_EQ(text.substr(0, 17), "213 RETR /large: ") << text;
    EXPECT_NE(text.find(" bytes of 33554432 ("), std::string::npos) << text;
    EXPECT_NE(text.find(" MB/s.\r\n"), std::string::npos) << text;
    EXPECT_EQ(down.data->read_all().size(), large_bytes);
    down.data->finish();
    EXPECT_EQ(down.control().read().code, 226);
    EXPECT_NE(down.control().ask("STAT").text.find("No transfer is running"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Versions, InEveryState, testing::Values(tls12, tls13),
                         [](const auto& version) { return version.param == tls12 ? "Tls12" : "Tls13"; });

}  // namespace stowage::ftps::rig
