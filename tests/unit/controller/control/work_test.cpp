// People of two requests at once: every account that is made has its password kept, and that one alone.
// Runs in: unit tests.
#include "gateway/controller/control/work.hpp"

#include <crypt.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <map>
#include <utility>

#include "gateway/controller/control/site_work.hpp"
#include "tests/unit/controller/state/temporary_directory.hpp"

namespace stowage::controller {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// The supervisor, with a password file in memory.
class Node {
  public:
    Node(const asio::any_io_executor& executor, Fd socket) : channel_(executor, std::move(socket)) {}

    asio::awaitable<void> run() {
        for (;;) {
            auto packet = co_await channel_.receive();
            if (!packet) co_return;
            if (packet->header.type != message::Type::step_request) continue;
            held_.push_back(std::move(*packet));
            if (!holds) release();
        }
    }
    /// Does all that was held back.
    void release() {
        for (const auto& packet : std::exchange(held_, {}))
            answer(or_throw(packet.as<message::StepRequest>()), packet.header.id);
    }
    std::size_t waiting() const { return held_.size(); }

    bool holds = false, refuses = false;
    std::map<std::string, std::string> hashes = {};  ///< by user

  private:
    void answer(const message::StepRequest& request, std::uint32_t id) {
        message::StepReply reply;
        if (refuses && request.step == message::Step::set_password) {
            reply.code = static_cast<std::uint16_t>(Code::no_space);
            (void)reply.what.assign("the disk is full");
        } else if (request.step == message::Step::set_password) {
            hashes[request.user.str()] = request.password_hash.str();
        } else if (request.step == message::Step::remove_password) {
            hashes.erase(request.user.str());
        }
        EXPECT_TRUE(channel_.send(reply, {}, id));
    }

    ipc::Channel channel_;
    std::vector<ipc::Packet> held_;
};

class PeopleAtWork : public testing::Test {
  protected:
    PeopleAtWork() {
        std::filesystem::create_directory(directory_.path() + "/controller");
        or_throw(state_.put_labs({{"lab1", {}}, {"lab2", {}}}, {30000, 30999}));
        asio::co_spawn(io_, link_.run([](std::chrono::seconds) {}), asio::detached);
        asio::co_spawn(io_, node_.run(), asio::detached);
    }

    static Config config_in(const std::string& directory) {
        Config config;
        config.state_dir = directory;
        config.labs.root = "/mnt/nfs";
        config.nfs.address = "nas.example.org";
        return config;
    }

    static SiteRequest people(const std::string& mark, const std::string& lab = "lab1") {
        SiteRequest request;
        for (const std::string name : {"alice", "bob", "carol"})
            request.users.push_back({name, lab, Secret(name + " has " + mark), name + "@example.org"});
        return request;
    }

    void begin(SiteRequest request) {
        auto begun = asio::co_spawn(io_, apply(context_, std::move(request)), asio::use_future);
        while (begun.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            io_.run_one();
        streams_.push_back(or_throw(begun.get()));
    }

    template <typename Condition>
    void run_until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(50);
        while (!condition()) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit) << "not done in time";
            io_.run_one_for(std::chrono::milliseconds(50));
        }
    }

    /// Runs to the end of all that was begun, and returns the lines of each request.
    std::vector<std::string> finish() {
        run_until([&] { return context_.works == 0; });
        std::vector<std::string> all;
        for (const auto& stream : streams_) {
            all.emplace_back();
            for (;;) {
                auto line = asio::co_spawn(io_, stream->next(), asio::use_future);
                run_until(
                    [&] { return line.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
                const auto text = line.get();
                if (!text) break;
                all.back() += *text;
            }
        }
        return all;
    }

    /// Who may log in, and whose kept secret is what lets them in.
    std::vector<std::string> may_log_in() const {
        std::vector<std::string> names;
        for (const auto& account : state_.accounts())
            if (account.phase == AccountPhase::active) names.push_back(account.user);
        return names;
    }
    std::vector<std::string> with_kept_password() {
        std::vector<std::string> names;
        for (const auto& secret : context_.secrets.all()) {
            const auto& hash = node_.hashes[secret.name];
            crypt_data data{};
            const auto* again = crypt_rn(secret.password.c_str(), hash.c_str(), &data, sizeof data);
            if (again != nullptr && hash == again) names.push_back(secret.name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    TemporaryDirectory directory_;
    asio::io_context io_{1};
    Config config_ = config_in(directory_.path());
    State state_ = or_throw(State::open(directory_.path()));
    std::pair<Fd, Fd> pair_ = or_throw(ipc::make_pair());
    SupervisorLink link_{io_.get_executor(), ipc::Channel(io_.get_executor(), std::move(pair_.first))};
    Node node_{io_.get_executor(), std::move(pair_.second)};
    Registry registry_{io_.get_executor(), std::nullopt};
    Context context_{io_.get_executor(), config_, state_, link_, registry_};
    std::vector<std::shared_ptr<EventStream>> streams_;
};

TEST_F(PeopleAtWork, TwoAppliesAtOnceKeepThePasswordsOfAllWhoWereMade) {
    node_.holds = true;
    begin(people("the first"));
    run_until([&] { return node_.waiting() == 1; });
    // Ctrl-C, and once more: the first goes on without its reader.
    begin(people("the second"));
    io_.run_for(std::chrono::milliseconds(100));
    node_.holds = false;
    node_.release();
    const auto lines = finish();
    EXPECT_THAT(may_log_in(), ElementsAre("alice", "bob", "carol"));
    EXPECT_THAT(with_kept_password(), ElementsAre("alice", "bob", "carol"));
    EXPECT_EQ(context_.secrets.all().size(), 3U);
    // Who was made by the other is as the file says.
    for (const auto& text : lines) {
        EXPECT_THAT(text, HasSubstr(R"("ok":true)"));
        EXPECT_THAT(text, Not(HasSubstr(R"("state":"failed")")));
    }
}

/// Whose passwords nobody keeps: the outcome names those whom the request made, and no others.
TEST_F(PeopleAtWork, OfUsersWithoutAnAddressEachRequestNamesThoseWhomItMade) {
    const auto without_addresses = [](SiteRequest request) {
        for (auto& user : request.users)
            user.email.clear();
        return request;
    };
    node_.holds = true;
    begin(without_addresses(people("the first")));
    run_until([&] { return node_.waiting() == 1; });
    begin(without_addresses(people("the second")));
    io_.run_for(std::chrono::milliseconds(100));
    node_.holds = false;
    node_.release();
    const auto lines = finish();
    std::size_t named = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_THAT(lines[i], HasSubstr(R"("ok":true)"));
        const auto result = lines[i].substr(lines[i].find(R"("event":"result")"));
        for (const std::string name : {"alice", "bob", "carol"}) {
            if (result.find(R"("name":")" + name) == result.npos) continue;
            ++named;
            const auto password = name + (i == 0 ? " has the first" : " has the second");
            crypt_data data{};
            EXPECT_EQ(crypt_rn(password.c_str(), node_.hashes[name].c_str(), &data, sizeof data),
                      node_.hashes[name])
                << name;
        }
    }
    EXPECT_EQ(named, 3U);
    EXPECT_THAT(lines.at(1), HasSubstr("another request made it just now, with a password of its own"));
}

TEST_F(PeopleAtWork, AnotherLabsRequestForTheSameNameLosesNothing) {
    node_.holds = true;
    begin(people("the first"));
    run_until([&] { return node_.waiting() == 1; });
    begin(people("the second", "lab2"));
    io_.run_for(std::chrono::milliseconds(100));
    node_.holds = false;
    node_.release();
    const auto lines = finish();
    EXPECT_THAT(with_kept_password(), testing::SizeIs(may_log_in().size()));
    // alice was the first's: the second has to say that she is of another lab.
    EXPECT_EQ(state_.account("alice")->lab, "lab1");
    EXPECT_THAT(lines.at(1), HasSubstr("user alice is there already, in lab lab1"));
}

TEST_F(PeopleAtWork, SecretsThatWaitAreOfAccountsThatAreThereAndAPersonsStandTogether) {
    begin(people("one"));
    finish();
    // As a kill between sealing and making leaves it.
    or_throw(context_.secrets.put({"FTPS", "zoe@example.org", "lab1", "zoe", Secret("of no account")}));
    or_throw(
        context_.secrets.put({"Run:ai", "alice@example.org", "lab1", "alice@example.org", Secret("two")}));
    std::vector<std::string> told;
    for (const auto& secret : waiting_secrets(context_))
        told.push_back(secret.service + " " + secret.email);
    EXPECT_THAT(told, ElementsAre("FTPS alice@example.org", "Run:ai alice@example.org",
                                  "FTPS bob@example.org", "FTPS carol@example.org"));
    EXPECT_EQ(context_.secrets.all().size(), 5U) << "another apply may be making her";
}

TEST_F(PeopleAtWork, NothingIsKeptOfWhoWasNotMade) {
    node_.refuses = true;
    begin(people("one"));
    const auto lines = finish();
    EXPECT_THAT(lines.at(0), HasSubstr("the disk is full"));
    EXPECT_THAT(may_log_in(), testing::IsEmpty());
    EXPECT_TRUE(context_.secrets.all().empty());
}

TEST_F(PeopleAtWork, NobodyIsMadeWhosePasswordCannotBeKept) {
    std::filesystem::remove_all(directory_.path() + "/controller");
    begin(people("one"));
    const auto lines = finish();
    EXPECT_THAT(lines.at(0), HasSubstr(R"("ok":false)"));
    EXPECT_THAT(may_log_in(), testing::IsEmpty());
    EXPECT_TRUE(node_.hashes.empty());
}

}  // namespace
}  // namespace stowage::controller
