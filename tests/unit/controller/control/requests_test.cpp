// Bodies of requests: what is taken, what is refused, and with which words.
// Runs in: unit tests.
#include "gateway/controller/control/requests.hpp"

#include <gmock/gmock.h>

namespace stowage::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string lab_refusal(std::string_view body) {
    auto request = parse_lab_request(body);
    if (request) return "taken";
    EXPECT_EQ(request.error().code, Code::invalid);
    EXPECT_FALSE(request.error().remedy.empty()) << request.error().what;
    return request.error().text();
}

std::string site_refusal(std::string_view body) {
    auto request = parse_site_request(body);
    return request ? "taken" : request.error().text();
}

TEST(LabRequest, TakesEverythingThatALabHas) {
    const auto lab = or_throw(parse_lab_request(
        R"({"name":"lab1","quota_bytes":10995116277760,"quota_inodes":50000000,"clients":["10.0.0.0/8","fd00::/8"]})"));
    EXPECT_EQ(lab.name, "lab1");
    EXPECT_EQ(lab.quota_bytes, 10995116277760u);
    EXPECT_EQ(lab.quota_inodes, 50000000u);
    EXPECT_THAT(*lab.clients, ElementsAre("10.0.0.0/8", "fd00::/8"));
}

TEST(LabRequest, ChoosesFtpsSettingsOrGoesBackToTheDefault) {
    const auto lab =
        or_throw(parse_lab_request(R"({"name":"lab1","durability":"none","data_tls_resumption":"default"})"));
    ASSERT_TRUE(lab.durability && *lab.durability);
    EXPECT_EQ(**lab.durability, Durability::none);
    ASSERT_TRUE(lab.data_tls_resumption);
    EXPECT_EQ(*lab.data_tls_resumption, std::nullopt);
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","durability":"half"})"),
                HasSubstr("durability: half is not one of the choices; use one of: full, none, default"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","data_tls_resumption":true})"),
                HasSubstr("data_tls_resumption"));
}

TEST(LabRequest, LeavesOutWhatIsLeftOut) {
    const auto lab = or_throw(parse_lab_request(R"({"name":"lab1","quota_bytes":null})"));
    EXPECT_FALSE(lab.quota_bytes);
    EXPECT_FALSE(lab.clients);
}

TEST(LabRequest, SettingsAloneHaveNoName) {
    const auto lab = or_throw(parse_lab_settings(R"({"quota_bytes":5,"client_cas":""})"));
    EXPECT_EQ(lab.quota_bytes, 5u);
    EXPECT_EQ(lab.client_cas, "");
    EXPECT_FALSE(lab.durability);
    EXPECT_FALSE(parse_lab_settings(R"({"name":"lab1"})"));
    EXPECT_FALSE(parse_lab_settings(R"({"clients":[]})"));
}

TEST(LabRequest, MakesNetworksCanonical) {
    const auto lab = or_throw(parse_lab_request(R"({"name":"lab1","clients":["192.168.1.7","FD00::1"]})"));
    EXPECT_THAT(*lab.clients, ElementsAre("192.168.1.7/32", "fd00::1/128"));
}

TEST(LabRequest, RefusesWhatIsNoName) {
    for (const auto* name : {"..", "/", "", "Lab1", "1lab", "lab-", "a b", "lab1\\u0000"})
        EXPECT_THAT(lab_refusal("{\"name\":\"" + std::string(name) + "\"}"), HasSubstr("name: ")) << name;
    EXPECT_THAT(lab_refusal("{\"name\":\"" + std::string(300, 'a') + "\"}"), HasSubstr("name: "));
    EXPECT_THAT(lab_refusal(R"({"name":7})"), HasSubstr("name: 7 is not a text"));
    EXPECT_THAT(lab_refusal("{}"), HasSubstr("name is missing"));
}

TEST(LabRequest, RefusesSizesThatCannotBe) {
    for (const auto* size : {"-1", "1e30", "1.5", "\"10TiB\"", "9223372036854775808", "true", "[1]"})
        EXPECT_THAT(lab_refusal(R"({"name":"lab1","quota_bytes":)" + std::string(size) + "}"),
                    HasSubstr("quota_bytes: "))
            << size;
}

TEST(LabRequest, RefusesNetworksThatCannotBe) {
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["10.1.2.3/8"]})"), HasSubstr("10.0.0.0/8"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["all"]})"), HasSubstr("clients: "));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":[]})"), HasSubstr("nobody could mount"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":"10.0.0.0/8"})"), HasSubstr("a list of texts"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":[7]})"), HasSubstr("a list of texts"));
}

TEST(LabRequest, RefusesNetworksThatOverlap) {
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["10.0.0.0/8","10.1.0.0/16"]})"),
                HasSubstr("10.0.0.0/8 and 10.1.0.0/16 overlap"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["::/0:anybody","fd00::1"]})"), HasSubstr("overlap"));
    EXPECT_EQ(lab_refusal(R"({"name":"lab1","clients":["0.0.0.0/0:anybody","::/0:anybody"]})"), "taken");
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["0.0.0.0/0"]})"), HasSubstr("0.0.0.0/0:anybody"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["10.0.0.0/8","10.9.0.0/16:ro"]})"),
                HasSubstr("overlap"));
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":["node1.example.org"]})"), HasSubstr("host name"));
}

TEST(LabRequest, RefusesMoreNetworksThanAStepCarries) {
    std::string clients;
    for (int i = 0; i < 400; ++i)
        clients +=
            (i ? ",\"10." : "\"10.") + std::to_string(i / 200) + "." + std::to_string(i % 200) + ".1\"";
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","clients":[)" + clients + "]}"), HasSubstr("too many"));
}

TEST(LabRequest, NamesTheKeyThatWasMeant) {
    EXPECT_THAT(lab_refusal(R"({"name":"lab1","quota_byts":1})"), HasSubstr("did you mean quota_bytes?"));
}

TEST(LabRequest, RefusesWhatIsNoJsonObject) {
    for (const auto* body : {"", "[]", "7", "{", "{\"name\":\"lab1\"} x", "{\"name\":\"\xff\"}"})
        EXPECT_THAT(lab_refusal(body), HasSubstr("JSON")) << body;
    EXPECT_THAT(lab_refusal(std::string(100, '[') + std::string(100, ']')), HasSubstr("JSON"));
}

TEST(UserRequest, NeedsAPasswordAndNeverShowsIt) {
    EXPECT_FALSE(parse_user_request(R"({"name":"alice","lab":"lab1"})"));
    const auto refused = parse_user_request(R"({"name":"alice","lab":"lab1","password":"geheim\n-geheim"})");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), Not(HasSubstr("geheim")));
    EXPECT_THAT(parse_user_request(R"({"name":"alice","lab":"lab1","password":7777777777})").error().text(),
                Not(HasSubstr("777")));
    const auto user = or_throw(
        parse_user_request(R"({"name":"alice@lab.example","lab":"lab1","password":"correct horse"})"));
    EXPECT_EQ(user.password->reveal(), "correct horse");
}

TEST(UserRequest, RefusesNamesThatWouldBreakThePasswordFile) {
    for (const auto* name : {"a:b", "a/b", "-a", "a b", "", "a\\nb"})
        EXPECT_FALSE(parse_user_request("{\"name\":\"" + std::string(name) +
                                        R"(","lab":"lab1","password":"correct horse"})"))
            << name;
}

TEST(PasswordRequest, TakesAPasswordAndNothingElse) {
    EXPECT_TRUE(parse_password_request(R"({"password":"correct horse"})"));
    EXPECT_FALSE(parse_password_request(R"({"password":"short"})"));
    EXPECT_FALSE(parse_password_request(R"({"password":"correct horse","name":"alice"})"));
    EXPECT_FALSE(parse_password_request("{}"));
}

TEST(SiteRequest, SaysWhereInTheFileTheTroubleIs) {
    EXPECT_THAT(site_refusal(R"({"labs":[{"name":"lab1"},{"name":"lab2","quota_bytes":-1}]})"),
                HasSubstr("labs[1].quota_bytes: -1"));
    EXPECT_THAT(site_refusal(R"({"users":[{"name":"alice"}]})"), HasSubstr("users[0].lab is missing"));
    EXPECT_THAT(site_refusal(R"({"lab":[]})"), HasSubstr("did you mean labs?"));
    EXPECT_THAT(site_refusal(R"({"labs":{}})"), HasSubstr("a list of objects"));
}

TEST(SiteRequest, RefusesDuplicates) {
    EXPECT_THAT(site_refusal(R"({"labs":[{"name":"lab1"},{"name":"lab1"}]})"),
                HasSubstr("lab lab1 is named twice"));
    EXPECT_THAT(site_refusal(R"({"users":[{"name":"a","lab":"lab1"},{"name":"a","lab":"lab2"}]})"),
                HasSubstr("user a is named twice"));
}

TEST(SiteRequest, MayBeEmpty) {
    EXPECT_EQ(site_refusal("{}"), "taken");
}

TEST(PersonRequest, HasOneSpellingOfAnAddress) {
    const auto person = or_throw(
        parse_person_request(R"({"email":"Alice@Example.org","lab":"lab1","password":"correct horse"})"));
    EXPECT_EQ(person.member.email, "alice@example.org");
    EXPECT_EQ(person.user.email, "alice@example.org");
    // That is what is typed into an FTPS client.
    EXPECT_EQ(person.user.name, "Alice@Example.org");
}

TEST(SiteRequest, HasOneSpellingOfAnAddress) {
    const auto member = [](const std::string& email) {
        return R"({"email":")" + email + R"(","department":"lab1","project":"p","roles":["r"]})";
    };
    const auto site = [](const std::string& members) {
        const std::string gpus = R"("gpus":[{"pool":"default","gpus":1}],"order":["default"])";
        return R"({"users":[{"name":"Alice","lab":"lab1","email":"ALICE@example.org"}],"runai":{"members":[)" +
               members + R"(],"departments":[{"name":"lab1",)" + gpus + R"(,"projects":[{"name":"p",)" +
               gpus + "}]}]}}";
    };
    const auto one = member("Alice@Example.org");
    const auto request = or_throw(parse_site_request(site(one)));
    EXPECT_EQ(request.runai->members.at(0).email, "alice@example.org");
    EXPECT_EQ(request.users.at(0).email, "alice@example.org");
    EXPECT_EQ(request.users.at(0).name, "Alice");
    EXPECT_THAT(site_refusal(site(one + ',' + member("alice@EXAMPLE.org"))),
                HasSubstr("user alice@example.org is named twice"));
}

TEST(SettingsFor, PutsTheRequestOverWhatIsThere) {
    Config config;
    config.labs.default_quota_bytes = 1 << 20;
    config.labs.default_clients = {"127.0.0.0/8"};
    LabRequest request{.name = "lab1", .quota_inodes = 7};
    EXPECT_EQ(settings_for(request, std::nullopt, config), (LabSettings{1 << 20, 7, {"127.0.0.0/8"}}));
    Lab lab;
    lab.settings = {5, 6, {"10.0.0.0/8"}};
    EXPECT_EQ(settings_for(request, lab, config), (LabSettings{5, 7, {"10.0.0.0/8"}}));
    lab.settings.durability = Durability::none;
    lab.settings.data_tls_resumption = Resumption::optional;
    request.data_tls_resumption = std::optional<Resumption>();
    EXPECT_EQ(settings_for(request, lab, config),
              (LabSettings{5, 7, {"10.0.0.0/8"}, Durability::none, std::nullopt}));
}

}  // namespace
}  // namespace stowage::controller
