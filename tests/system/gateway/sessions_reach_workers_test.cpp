// Sessions handed over to the labs' workers, real ones: started with the first, after a death another one,
// and who cannot be served is told so. Runs in: system tests, as root.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "ftps/protocol/session_packets.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/supervisor/workers.hpp"

namespace stowage::supervisor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What became of one hand_over().
struct Handed {
    Fd front_end;
    std::optional<Result<void>> result;
};

/// What a worker says on a session's socket, or what is there instead.
std::string first_words(const Fd& front_end) {
    pollfd waited{front_end.get(), POLLIN, 0};
    if (::poll(&waited, 1, 10'000) <= 0) return "(silence)";
    char packet[session_packet::max_payload + 1];
    const auto got = ::recv(front_end.get(), packet, sizeof packet, 0);
    return got > 1 ? std::string(packet + 1, static_cast<std::size_t>(got) - 1) : "(end)";
}

class SessionsReachWorkers : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: workers run under their labs' uids";
        ::signal(SIGPIPE, SIG_IGN);
        char pattern[] = "/var/tmp/stowage-sessions.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        const ConfigValues values{{"labs.root", {folder_, "test"}},
                                  {"ftps.passive_ports", {"42000-42999", "test"}},
                                  {"ftps.worker_idle_timeout", {"1s", "test"}}};
        config_ = or_throw(parse_config(values));
        context_ = std::make_unique<Context>(io_, config_);
        context_->sealed_config = or_throw(seal("config", to_text(values)));
        const auto* binaries = std::getenv("STOWAGE_BIN");
        context_->libexec_dir = binaries ? binaries : "build/dev/bin";
        context_->hash_secret = Secret(std::string(32, 's'));
        context_->tickets.rotate();
        workers_ = std::make_unique<Workers>(*context_);
        for (const auto* lab : {"lab1", "lab2"})
            serve(lab);
    }
    void TearDown() override {
        if (!workers_) return;
        for (const auto* lab : {"lab1", "lab2"})
            workers_->end(lab);
        // Everything ends with the workers; what does not is a child or a wait that nobody would ever end.
        io_.restart();
        io_.run_for(10s);
        EXPECT_TRUE(io_.stopped());
        fs::remove_all(folder_);
    }

    void serve(const std::string& name) {
        message::PutLab lab;
        ASSERT_TRUE(lab.lab.assign(name));
        lab.uid = lab.gid = next_uid_++;
        const auto directory = folder_ + "/" + name;
        fs::create_directory(directory);
        ASSERT_EQ(::chown(directory.c_str(), lab.uid, lab.gid), 0);
        or_throw(context_->accounts.put_lab(lab));
    }
    void stop_serving(const std::string& name) {
        message::RemoveLab lab;
        ASSERT_TRUE(lab.lab.assign(name));
        or_throw(context_->accounts.remove_lab(lab));
    }

    /// Begins to hand a session over; the front's end and the outcome are in what it returns.
    std::shared_ptr<Handed> begin(const std::string& lab) {
        auto handed = std::make_shared<Handed>();
        auto [ours, theirs] = or_throw(ipc::make_pair());
        handed->front_end = std::move(ours);
        boost::asio::co_spawn(io_, hand_over(handed, *context_->accounts.lab(lab), std::move(theirs)),
                              boost::asio::detached);
        return handed;
    }
    boost::asio::awaitable<void> hand_over(std::shared_ptr<Handed> handed, ServedLab lab, Fd worker_end) {
        message::SessionStart session;
        session.session = ++last_session_;
        session.user.assign_cut("alice");
        for (auto* address : {&session.peer, &session.local, &session.bound})
            address->assign_cut("127.0.0.1");
        session.tls_version = 0x0304;
        handed->result = co_await workers_->hand_over(std::move(lab), session, std::move(worker_end));
    }
    void run_until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 20s;
        io_.restart();
        while (!condition() && std::chrono::steady_clock::now() < limit)
            io_.run_one_for(100ms);
        EXPECT_TRUE(condition());
    }
    std::shared_ptr<Handed> finish(std::shared_ptr<Handed> handed) {
        run_until([&] { return handed->result.has_value(); });
        return handed;
    }
    void expect_served(const Handed& handed) {
        ASSERT_TRUE(handed.result);
        ASSERT_TRUE(*handed.result) << handed.result->error().text();
        EXPECT_THAT(first_words(handed.front_end), StartsWith("230"));
    }
    /// Each death in a row makes the wait before the next start twice as long.
    void kill_worker(const std::string& lab) {
        const auto deaths = workers_->restarts(lab);
        ASSERT_EQ(::kill(worker(lab).process->pid(), SIGKILL), 0);
        run_until([&] { return workers_->restarts(lab) > deaths; });
    }
    const Worker& worker(const std::string& lab) const { return *workers_->all().at(lab); }

    std::string folder_;
    Config config_ = *parse_config({});
    boost::asio::io_context io_;
    std::unique_ptr<Context> context_;
    std::unique_ptr<Workers> workers_;
    std::uint64_t last_session_ = 0;
    std::uint32_t next_uid_ = 700000;
};

// Keeps: that the worker stands in the table before anybody waits for it. Without it each session gets its
// own.
TEST_F(SessionsReachWorkers, FirstOnesAtOnceShareTheWorkerThatTheyStart) {
    const auto one = begin("lab1"), another = begin("lab1"), elsewhere = begin("lab2");
    for (const auto& handed : {one, another, elsewhere})
        expect_served(*finish(handed));
    EXPECT_EQ(workers_->all().size(), 2u);
    EXPECT_EQ(worker("lab1").sessions_started, 2u);
    EXPECT_NE(worker("lab1").process->pid(), worker("lab2").process->pid());
}

// Keeps: wait_for_backoff(). Without it the session is refused, because a worker failed a moment ago.
TEST_F(SessionsReachWorkers, AfterADeathTheNextWorkerTakesThem) {
    const auto before = finish(begin("lab1")), neighbour = finish(begin("lab2"));
    expect_served(*before);
    expect_served(*neighbour);
    const auto old = worker("lab1").process->pid();
    kill_worker("lab1");
    EXPECT_EQ(first_words(before->front_end), "(end)");
    expect_served(*finish(begin("lab1")));
    EXPECT_NE(worker("lab1").process->pid(), old);
    EXPECT_EQ(workers_->restarts("lab1"), 1u);
    const std::string noop = std::string(1, session_packet::data) + "NOOP\r\n";
    ASSERT_GT(::send(neighbour->front_end.get(), noop.data(), noop.size(), MSG_NOSIGNAL), 0);
    EXPECT_THAT(first_words(neighbour->front_end), StartsWith("200"));
}

// Keeps: the second look at the accounts. Without it the lab that is gone gets a process again.
TEST_F(SessionsReachWorkers, LabThatGoesMeanwhileTakesNobody) {
    for (int death = 0; death < 4; ++death) {
        expect_served(*finish(begin("lab1")));
        kill_worker("lab1");
    }
    const auto late = begin("lab1");
    io_.restart();
    io_.poll();  // it waits for the backoff now
    ASSERT_FALSE(late->result);
    stop_serving("lab1");
    finish(late);
    ASSERT_FALSE(*late->result);
    EXPECT_EQ(late->result->error().code, Code::unavailable);
    EXPECT_THAT(late->result->error().what, HasSubstr("not served any more"));
    EXPECT_TRUE(workers_->empty());
    EXPECT_EQ(first_words(late->front_end), "(end)");
}

TEST_F(SessionsReachWorkers, WorkerThatDoesNotStartIsToldAtOnceAndKeepsNothing) {
    context_->libexec_dir = folder_;
    fs::create_symlink("/bin/false", folder_ + "/stowage-worker");
    const auto began = std::chrono::steady_clock::now();
    // Some end before anybody has looked at them: a reference into the table was dangling then.
    for (int number = 3; number < 40; ++number) {
        const auto lab = "lab" + std::to_string(number);
        serve(lab);
        const auto refused = finish(begin(lab));
        ASSERT_FALSE(*refused->result);
        EXPECT_EQ(refused->result->error().code, Code::unavailable);
        EXPECT_EQ(first_words(refused->front_end), "(end)") << "the session's socket is still open somewhere";
        EXPECT_TRUE(workers_->empty());
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 9s) << "it waited for a process that had ended";
}

// Keeps: the worker's Idle and its judge. Without them the worker stays for ever.
TEST_F(SessionsReachWorkers, IdleWorkerLeavesAndTheNextSessionStartsAnother) {
    const auto first = finish(begin("lab1"));
    expect_served(*first);
    first->front_end.reset();
    run_until([this] { return workers_->empty(); });
    expect_served(*finish(begin("lab1")));
    EXPECT_EQ(workers_->restarts("lab1"), 0u) << "leaving is no failure";
}

}  // namespace
}  // namespace stowage::supervisor
