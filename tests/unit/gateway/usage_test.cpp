// Root looks at a lab's usage once at a time and once a second, however often its workers ask.
#include "gateway/supervisor/usage.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/base/config.hpp"
#include "gateway/base/ipc.hpp"

namespace stowage::supervisor {
namespace {

namespace fs = std::filesystem;

class UsageObservation : public testing::Test {
  protected:
    void SetUp() override {
        char pattern[] = "/tmp/stowage-usage.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        context_.libexec_dir = folder_.string();
        context_.sealed_config = or_throw(seal("config", ""));
    }
    void TearDown() override { fs::remove_all(folder_); }

    /// A stowage-root-step that tells a file when it begins and ends, and the supervisor nothing. In between
    /// it waits for `together` beginnings, at most 10 s.
    void make_step(int together) {
        const auto script = folder_ / "stowage-root-step";
        std::ofstream(script) << "#!/bin/sh\nlog=" << log() << "\necho begin >> $log\nturns=0\n"
                              << "while [ $(grep -c begin $log) -lt " << together
                              << " ] && [ $turns -lt 100 ]; do sleep 0.1; turns=$((turns + 1)); done\n"
                              << "echo end >> $log\n";
        fs::permissions(script, fs::perms::owner_all);
    }
    std::string log() const { return (folder_ / "log").string(); }
    std::vector<std::string> lines() const {
        std::ifstream file(log());
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);)
            all.push_back(line);
        return all;
    }
    boost::asio::awaitable<void> ask(std::string lab) {
        const ServedLab served{std::move(lab), 700000, 700000};
        const auto usage = co_await observer_.observe(served);
        EXPECT_NE(usage.code, 0);  // the step gave no answer, and that is an answer too
        ++answered_;
    }

    fs::path folder_;
    Config config_ = *parse_config({});
    boost::asio::io_context io_;
    Context context_{io_, config_};
    UsageObserver observer_{context_};
    int answered_ = 0;
};

// Keeps: `under_way` and `not_before`. Without them all begin at once.
TEST_F(UsageObservation, OneStepPerLabAtATimeAndOneASecond) {
    make_step(1);
    for (int i = 0; i < 3; ++i)
        boost::asio::co_spawn(io_, ask("lab1"), boost::asio::detached);
    const auto began = std::chrono::steady_clock::now();
    io_.run();
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
    EXPECT_EQ(answered_, 3);
    EXPECT_EQ(lines(), (std::vector<std::string>{"begin", "end", "begin", "end", "begin", "end"}));
}

TEST_F(UsageObservation, OtherLabsDoNotWait) {
    make_step(3);
    for (const auto* lab : {"lab1", "lab2", "lab3"})
        boost::asio::co_spawn(io_, ask(lab), boost::asio::detached);
    io_.run_for(std::chrono::seconds(30));
    EXPECT_EQ(answered_, 3);
    EXPECT_EQ(lines(), (std::vector<std::string>{"begin", "begin", "begin", "end", "end", "end"}));
}

}  // namespace
}  // namespace stowage::supervisor
