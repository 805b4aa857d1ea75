// Looks at labs: one process for many, another one only where a look does not end.
#include "gateway/supervisor/looks.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "gateway/base/config.hpp"
#include "gateway/base/ipc.hpp"

namespace stowage::supervisor {
namespace {

namespace fs = std::filesystem;

class LooksAtLabs : public testing::Test {
  protected:
    /// A stowage-root-step that writes down its number and the lab of each look. At "hangs" it stays silent
    /// until it is killed, at "dies" it ends.
    void SetUp() override {
        char pattern[] = "/tmp/stowage-looks.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        context_.libexec_dir = folder_.string();
        context_.sealed_config = or_throw(seal("config", ""));
        const auto script = folder_ / "stowage-root-step";
        std::ofstream(script) << fmt::format(
            "#!/usr/bin/python3 -SB\n"
            "import os, socket, struct, time\n"
            "peer = socket.socket(fileno=3)\n"
            "while packet := peer.recv({most}):\n"
            "    size, = struct.unpack_from('H', packet, {lab})\n"
            "    lab = packet[{lab} + 2 : {lab} + 2 + size].decode()\n"
            "    with open('{log}', 'a') as log:\n"
            "        print(os.getpid(), lab, file=log)\n"
            "    if lab == 'hangs':\n"
            "        time.sleep(1000)\n"
            "    if lab == 'dies':\n"
            "        break\n"
            "    peer.send(struct.pack('HHI', {reply}, 0, 0) + bytes({reply_size}))\n",
            fmt::arg("most", message::max_packet_bytes),
            fmt::arg("lab", sizeof(message::Header) + offsetof(message::StepRequest, lab)),
            fmt::arg("log", (folder_ / "log").string()),
            fmt::arg("reply", static_cast<int>(message::StepReply::type)),
            fmt::arg("reply_size", sizeof(message::StepReply)));
        fs::permissions(script, fs::perms::owner_all);
    }
    void TearDown() override { fs::remove_all(folder_); }

    boost::asio::awaitable<void> look(std::string lab) {
        message::StepRequest request;
        (void)request.lab.assign(lab);
        const auto reply = co_await looks_.look(request);
        (reply.code == 0 ? seen_ : unseen_).insert(lab);
    }
    void begin(const std::string& lab) { boost::asio::co_spawn(io_, look(lab), boost::asio::detached); }
    bool run_until(std::size_t answers) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (seen_.size() + unseen_.size() < answers && std::chrono::steady_clock::now() < limit)
            io_.run_one_for(std::chrono::milliseconds(100));
        return seen_.size() + unseen_.size() == answers;
    }
    std::size_t processes() const {
        std::ifstream file(folder_ / "log");
        std::set<std::string> pids;
        for (std::string pid, lab; file >> pid >> lab;)
            pids.insert(pid);
        return pids.size();
    }

    fs::path folder_;
    Config config_ = *parse_config({});
    boost::asio::io_context io_;
    Context context_{io_, config_};
    Looks looks_{context_};
    std::set<std::string> seen_, unseen_;
};

TEST_F(LooksAtLabs, ManyOfThemCostFewProcesses) {
    for (int lab = 0; lab < 40; ++lab)
        begin(fmt::format("lab{}", lab));
    ASSERT_TRUE(run_until(40));
    EXPECT_EQ(seen_.size(), 40U);
    // A second one where this machine was busy with others for as long as a look may take.
    EXPECT_LE(processes(), 4U);
    // Nobody waits: it ends by itself, and the loop has nothing left to do.
    io_.run_for(std::chrono::seconds(20));
    EXPECT_TRUE(io_.stopped());
}

TEST_F(LooksAtLabs, OneThatDoesNotEndHoldsUpNobody) {
    begin("hangs");
    for (int lab = 0; lab < 10; ++lab)
        begin(fmt::format("lab{}", lab));
    ASSERT_TRUE(run_until(10));
    EXPECT_EQ(seen_.size(), 10U);
    EXPECT_GE(processes(), 2U);
}

TEST_F(LooksAtLabs, OneThatEndsTheProcessIsTheOnlyOneWithoutAnAnswer) {
    begin("dies");
    for (int lab = 0; lab < 10; ++lab)
        begin(fmt::format("lab{}", lab));
    ASSERT_TRUE(run_until(11));
    EXPECT_EQ(seen_.size(), 10U);
    EXPECT_THAT(unseen_, testing::ElementsAre("dies"));
}

TEST_F(LooksAtLabs, AProcessThatCannotBeStartedIsTold) {
    fs::remove(folder_ / "stowage-root-step");
    begin("lab1");
    begin("lab2");
    ASSERT_TRUE(run_until(2));
    EXPECT_EQ(unseen_.size(), 2U);
}

}  // namespace
}  // namespace stowage::supervisor
