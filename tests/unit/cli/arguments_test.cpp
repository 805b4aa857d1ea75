// The command line becomes checked commands.
#include "gateway/cli/arguments.hpp"

#include <gmock/gmock.h>

namespace stowage::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Parsed = Result<std::variant<Invocation, HelpText>>;

Parsed parse(std::vector<const char*> words) {
    words.insert(words.begin(), "stowage");
    return parse_arguments(static_cast<int>(words.size()), words.data());
}

template <typename T>
T command(std::vector<const char*> words) {
    auto parsed = parse(std::move(words));
    return std::get<T>(std::get<Invocation>(*parsed).command);
}

TEST(Arguments, LabCreate) {
    const auto lab = command<LabCreate>(
        {"lab", "create", "lab1", "--quota", "10TiB", "--inodes=50M", "--clients", "10.0.0.0/8,::1"});
    EXPECT_EQ(lab.name, "lab1");
    EXPECT_EQ(lab.quota_bytes, std::uint64_t{10} << 40);
    EXPECT_EQ(lab.quota_inodes, 50'000'000u);
    EXPECT_THAT(lab.clients, ElementsAre("10.0.0.0/8", "::1/128"));
    EXPECT_EQ(command<LabCreate>({"lab", "create", "a", "--quota", "none"}).quota_bytes, 0u);
    EXPECT_FALSE(command<LabCreate>({"lab", "create", "a"}).quota_bytes);
}

TEST(Arguments, GlobalOptionsStandAnywhere) {
    for (const auto& words :
         {std::vector<const char*>{"--json", "--socket", "/s", "--timeout", "5", "lab", "list"},
          std::vector<const char*>{"lab", "list", "--json", "--socket=/s", "--timeout=5"}}) {
        const auto parsed = parse(words);
        ASSERT_TRUE(parsed);
        const auto& invocation = std::get<Invocation>(*parsed);
        EXPECT_TRUE(invocation.json);
        EXPECT_EQ(invocation.socket, "/s");
        EXPECT_EQ(invocation.timeout, std::chrono::seconds(5));
    }
}

TEST(Arguments, SessionsAndBans) {
    EXPECT_EQ(command<Sessions>({"sessions"}).lab, "");
    EXPECT_EQ(command<Sessions>({"sessions", "--lab", "lab1", "--user", "a"}).user, "a");
    EXPECT_EQ(command<SessionKill>({"sessions", "kill", "17"}).session, 17u);
    EXPECT_EQ(command<BanClear>({"bans", "clear", "2001:db8::1"}).address, "2001:db8::/64");
    EXPECT_EQ(command<BanClear>({"bans", "clear", "2001:db8::/64"}).address, "2001:db8::/64");
    EXPECT_EQ(command<BanClear>({"bans", "clear", "--all"}).address, "");
    EXPECT_FALSE(parse({"bans", "clear"}));
    EXPECT_FALSE(parse({"bans", "clear", "192.0.2.1", "--all"}));
    EXPECT_FALSE(parse({"bans", "clear", "host"}));
}

TEST(Arguments, LabSetTakesWhatLabCreateTakesAndAtLeastOne) {
    const auto lab = command<LabSet>({"lab", "set", "a", "--quota", "none", "--durability", "default"});
    EXPECT_EQ(lab.wanted.name, "a");
    EXPECT_EQ(lab.wanted.quota_bytes, 0u);
    EXPECT_FALSE(lab.wanted.quota_inodes);
    EXPECT_EQ(lab.wanted.durability, "default");
    EXPECT_FALSE(lab.without_client_ca);
    const auto open = command<LabSet>({"lab", "set", "a", "--client-ca", "none"});
    EXPECT_TRUE(open.without_client_ca);
    EXPECT_EQ(open.wanted.client_ca_file, "");
    EXPECT_THAT(command<LabSet>({"lab", "set", "a", "--clients", "10.0.0.0/8"}).wanted.clients,
                ElementsAre("10.0.0.0/8"));
}

TEST(Arguments, UsersAndTheRest) {
    const auto user = command<UserAdd>({"user", "add", "a@b.c", "--lab", "lab1", "--password-stdin"});
    EXPECT_EQ(user.name, "a@b.c");
    EXPECT_EQ(user.lab, "lab1");
    EXPECT_TRUE(user.password.from_stdin);
    EXPECT_EQ(command<UserPasswd>({"user", "passwd", "a", "--secrets-file", "f"}).password.secrets_file, "f");
    EXPECT_EQ(command<UserList>({"user", "list", "--lab", "l"}).lab, "l");
    EXPECT_EQ(command<UserRemove>({"user", "remove", "a"}).name, "a");
    EXPECT_TRUE(command<LabDelete>({"lab", "delete", "a", "--purge-data", "--confirm", "a"}).purge_data);
    EXPECT_EQ(command<Apply>({"apply", "site.yaml", "--secrets-file", "s"}).secrets_file, "s");
    const auto settings = command<Check>({"check", "--set", "a=b,c", "--set", "d=e=f"}).config.settings;
    EXPECT_EQ(settings.at("a").text, "b,c");
    EXPECT_EQ(settings.at("d").text, "e=f");
    EXPECT_TRUE(command<Status>({"status", "--metrics"}).metrics);
    command<Version>({"version"});
    command<Completion>({"completion", "bash"});
    command<ConfigReference>({"config", "reference"});
}

TEST(Arguments, RefuseWithFieldAndRemedy) {
    const std::vector<std::pair<std::vector<const char*>, const char*>> cases = {
        {{"lab", "create", ".."}, "lab name \"..\""},
        {{"lab", "create", ""}, "lab name \"\""},
        {{"lab", "create", "a/b"}, "a/b"},
        {{"lab", "create", "a", "--quota", "-1"}, "--quota \"-1\""},
        {{"lab", "create", "a", "--quota", "1e30"}, "--quota \"1e30\""},
        {{"lab", "create", "a", "--inodes", "1KiB"}, "--inodes \"1KiB\""},
        {{"lab", "create", "a", "--clients", "10.1.2.3/8"}, "10.1.2.3/8"},
        {{"lab", "create", "a", "--clients", "10.0.0.0/8,10.1.0.0/16"}, "10.0.0.0/8 and 10.1.0.0/16 overlap"},
        {{"lab", "set", "a"}, "lab set needs something to set"},
        {{"lab", "set", "a", "--quota", "0"}, "--quota \"0\""},
        {{"lab", "delete", "a", "--confirm", "b"}, "--confirm b"},
        {{"user", "add", "a:b", "--lab", "l"}, "a:b"},
        {{"check", "--set", "x"}, "--set \"x\""},
        {{"check", "--set", "=x"}, "--set \"=x\""},
        {{"check", "--set", "a=b\nc=d"}, "line end"},
        {{"frob"}, "frob"},
        {{"user", "ad"}, "did you mean add"},
    };
    for (const auto& [words, expected] : cases) {
        const auto parsed = parse(words);
        ASSERT_FALSE(parsed) << expected;
        EXPECT_EQ(parsed.error().code, Code::usage);
        EXPECT_THAT(parsed.error().what, HasSubstr(expected));
        EXPECT_FALSE(parsed.error().remedy.empty()) << expected;
    }
}

TEST(Arguments, GuessesNoCommandThatDoesNotResembleTheWord) {
    EXPECT_EQ(parse({"foo"}).error().what, "unknown command \"foo\"");
}

TEST(Arguments, NamesAWrongOptionFirst) {
    EXPECT_EQ(parse({"--bogus"}).error().what, "unknown option \"--bogus\"");
    EXPECT_EQ(parse({"lab", "--bogus"}).error().what, "unknown option \"--bogus\"");
}

TEST(Arguments, HelpIsNoError) {
    const auto parsed = parse({"lab", "create", "--help"});
    ASSERT_TRUE(parsed);
    EXPECT_THAT(std::get<HelpText>(*parsed).text, HasSubstr("Example:\n  stowage lab create"));
    EXPECT_TRUE(std::holds_alternative<HelpText>(*parse({"-h"})));
}

}  // namespace
}  // namespace stowage::cli
