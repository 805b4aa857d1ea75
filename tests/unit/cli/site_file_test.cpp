// site.yaml: what it may say, and every problem with its line.
#include "gateway/cli/site_file.hpp"

#include <gmock/gmock.h>

namespace stowage::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string problems(std::string_view text) {
    const auto site = parse_site(text, "site.yaml");
    if (site) return "accepted";
    EXPECT_EQ(site.error().code, Code::config);
    return site.error().what;
}

TEST(SiteFile, ReadsLabsUsersAndDefaults) {
    const auto site = parse_site(R"(
defaults: {quota: 1TiB, inodes: 50M, clients: 10.0.0.0/8}
labs:
  - name: lab1
    users: [alice, bob]
  - name: lab2
    quota: none
    inodes: 1K
    clients: [192.168.7.1, "2001:db8::/32"]
users:
  - {name: carol@example.org, lab: elsewhere}
)",
                                 "site.yaml");
    ASSERT_TRUE(site) << site.error().what;
    ASSERT_EQ(site->labs.size(), 2u);
    EXPECT_EQ(site->labs[0].quota_bytes, std::uint64_t{1} << 40);
    EXPECT_EQ(site->labs[0].quota_inodes, 50'000'000u);
    EXPECT_THAT(*site->labs[0].clients, ElementsAre("10.0.0.0/8"));
    EXPECT_EQ(site->labs[1].quota_bytes, 0u);
    EXPECT_EQ(site->labs[1].quota_inodes, 1000u);
    EXPECT_THAT(*site->labs[1].clients, ElementsAre("192.168.7.1/32", "2001:db8::/32"));
    ASSERT_EQ(site->users.size(), 3u);
    EXPECT_EQ(site->users[1].name, "bob");
    EXPECT_EQ(site->users[1].lab, "lab1");
    EXPECT_EQ(site->users[2].lab, "elsewhere");
}

TEST(SiteFile, ReadsFtpsSettings) {
    const auto site = parse_site(
        "defaults: {durability: none}\n"
        "labs: [{name: a}, {name: b, durability: default, data_tls_resumption: optional}]",
        "site.yaml");
    ASSERT_TRUE(site) << site.error().what;
    EXPECT_EQ(site->labs[0].durability, "none");
    EXPECT_EQ(site->labs[0].data_tls_resumption, std::nullopt);
    EXPECT_EQ(site->labs[1].durability, "default");
    EXPECT_EQ(site->labs[1].data_tls_resumption, "optional");
    EXPECT_THAT(
        problems("labs:\n  - name: a\n    durability: half\n"),
        HasSubstr("site.yaml:3: labs[1].durability: \"half\" is not one of the choices; use one of: full, "
                  "none, default"));
}

TEST(SiteFile, IsOneDocument) {
    EXPECT_EQ(problems("node_pools: []\n---\nlabs: [{name: lab1}]\n"),
              "site.yaml:2: a second YAML document begins here, which nobody would read");
    EXPECT_THAT(problems("labs: [{name: lab1}]\n--- # nothing\n"), HasSubstr("site.yaml:2: a second YAML"));
    EXPECT_THAT(problems("labs: [{name: lab1}]\n...\nusers: []\n"), HasSubstr("site.yaml:3: a second YAML"));
    EXPECT_EQ(problems("# Labs\n---\nlabs:\n  - name: lab1\n...\n"), "accepted");
}

TEST(SiteFile, LeavesOutWhatIsNotSaid) {
    const auto site = parse_site("labs: [{name: lab1}]", "site.yaml");
    ASSERT_TRUE(site);
    EXPECT_FALSE(site->labs[0].quota_bytes);
    EXPECT_FALSE(site->labs[0].quota_inodes);
    EXPECT_FALSE(site->labs[0].clients);
}

TEST(SiteFile, TellsEveryProblemInTheOrderOfLines) {
    EXPECT_EQ(
        problems(
            "users:\n  - name: a b\n    lab: Lab\nlabs:\n  - quota: 1T\n  - name: lab1\n    qouta: 1T\n"),
        "site.yaml:2: users[1].name: user name \"a b\": has a character that is not allowed; use a letter or "
        "digit "
        "first, then letters, digits and . _ - @ +, at most 64\n"
        "site.yaml:3: users[1].lab: lab name \"Lab\": does not start with a lower-case letter; use a "
        "lower-case "
        "letter first, then lower-case letters, digits and hyphens, at most 57\n"
        "site.yaml:5: labs[1] has no name; add one\n"
        "site.yaml:7: unknown key \"qouta\" in labs[2]; did you mean quota?");
}

TEST(SiteFile, RefusesKeysOfLaterVersionsAsSuch) {
    const auto text = problems("policies: {}\ndepartments: []\nlabs:\n  - name: lab1\n    role: x\n");
    EXPECT_THAT(text, HasSubstr("site.yaml:1: policies is not yet supported by this version"));
    EXPECT_THAT(text, HasSubstr("site.yaml:2: departments is not yet supported"));
    EXPECT_THAT(text, HasSubstr("site.yaml:5: labs[1].role is not yet supported"));
    EXPECT_THAT(text, Not(HasSubstr("unknown")));
}

TEST(SiteFile, RefusesDuplicates) {
    EXPECT_THAT(problems("labs:\n  - name: a\n  - name: a\n"),
                HasSubstr("site.yaml:3: lab a is there twice, first in line 2"));
    EXPECT_THAT(problems("labs:\n  - {name: a, users: [x]}\n  - {name: b, users: [x]}\n"),
                HasSubstr("site.yaml:3: user x is there twice, first in line 2; a user belongs to one lab"));
    EXPECT_THAT(problems("labs: [{name: a, users: [x]}]\nusers: [{name: x, lab: a}]\n"),
                HasSubstr("user x is there twice"));
    EXPECT_THAT(problems("labs:\n  - name: a\n    quota: 1T\n    quota: 2T\n"),
                HasSubstr("site.yaml:4: labs[1].quota is given twice, first in line 3"));
    EXPECT_THAT(problems("labs: [{name: a}]\nlabs: []\n"), HasSubstr("site.yaml:2: labs is given twice"));
    EXPECT_THAT(problems("labs: [{name: a, clients: [10.0.0.1, 10.0.0.1/32]}]"),
                HasSubstr("10.0.0.1/32 is there twice"));
}

TEST(SiteFile, RefusesBadSizesCountsAndNetworks) {
    for (const auto* value :
         {"500", "-1", "1e30", "10X", "1.0000001K", "0", "\"\"", "[1]", "{a: 1}", "99999999999999999999"})
        EXPECT_THAT(problems(std::string("labs:\n  - name: a\n    quota: ") + value),
                    HasSubstr("site.yaml:3: labs[1].quota"))
            << value;
    EXPECT_THAT(problems("defaults:\n  inodes: 5X\nlabs: [{name: a}]"),
                HasSubstr("site.yaml:2: defaults.inodes"));
    EXPECT_THAT(problems("labs: [{name: a, clients: 10.1.2.3/8}]"), HasSubstr("10.0.0.0/8"));
    EXPECT_THAT(problems("labs: [{name: a, clients: []}]"), HasSubstr("labs[1].clients is empty"));
    EXPECT_THAT(problems("labs: [{name: a, clients: }]"), HasSubstr("labs[1].clients is empty"));
    EXPECT_THAT(problems("labs: [{name: a, clients: [[10.0.0.0/8]]}]"),
                HasSubstr("labs[1].clients[1] is a list"));
}

/// The gateway would refuse them, and without a line.
TEST(SiteFile, RefusesNetworksThatOverlap) {
    EXPECT_THAT(problems("labs:\n  - name: a\n    clients: [10.0.0.0/8, 10.1.0.0/16]\n"),
                HasSubstr("site.yaml:3: labs[1].clients[2]: 10.1.0.0/16 and 10.0.0.0/8 overlap; leave the "
                          "smaller one out"));
    EXPECT_EQ(problems("labs: [{name: a, clients: [10.0.0.0/8, 11.0.0.0/8]}]"), "accepted");
}

TEST(SiteFile, GuessesOnlyWhatResembles) {
    EXPECT_THAT(problems("labs:\n  - name: a\n    qouta: 1T\n"),
                HasSubstr("unknown key \"qouta\" in labs[1]; did you mean quota?"));
    EXPECT_THAT(problems("users:\n  - {name: a, lab: b, pass: c}\n"),
                HasSubstr("unknown key \"pass\" in users[1]; it may have name, lab, email, project, roles, "
                          "ftps"));
    EXPECT_THAT(problems("labs:\n  - {name: a, x: b}\n"), HasSubstr("unknown key \"x\" in labs[1]; it may "
                                                                    "have name, quota, "));
}

TEST(SiteFile, ShowsLettersOfEveryScript) {
    EXPECT_THAT(problems("labs:\n  - name: größe\n"), HasSubstr("\"größe\""));
    EXPECT_THAT(problems("größe: 1\n"), HasSubstr("\"größe\""));
}

/// As word processors make them of straight ones.
TEST(SiteFile, NamesCurlyQuotationMarks) {
    EXPECT_THAT(problems("labs:\n  - name: “physics”\n"),
                HasSubstr("site.yaml:2: labs[1].name: “physics” has curly quotation marks, which are part of "
                          "the value in YAML; write \" or leave them out"));
}

/// Programs read the remedy apart from what is wrong.
TEST(SiteFile, ProblemsHaveARemedy) {
    const auto site = parse_site("lab: []", "site.yaml");
    ASSERT_FALSE(site);
    EXPECT_EQ(site.error().remedy, "correct the file, then look again: `stowage check --site site.yaml`");
}

TEST(SiteFile, RefusesWrongShapes) {
    EXPECT_THAT(problems(""), HasSubstr("site.yaml:1: the file is empty"));
    EXPECT_THAT(problems("- a"), HasSubstr("the file is a list"));
    EXPECT_THAT(problems("labs:"), HasSubstr("names no lab and no user"));
    EXPECT_THAT(problems("labs: lab1"), HasSubstr("labs is a plain value; write a list there"));
    EXPECT_THAT(problems("labs: [lab1]"), HasSubstr("labs[1] is a plain value"));
    EXPECT_THAT(problems("labs: [{name: }]"), HasSubstr("labs[1].name is empty"));
    EXPECT_THAT(problems("labs: [{name: a, users: {b: c}}]"), HasSubstr("labs[1].users is a map"));
    EXPECT_THAT(problems("users: [{name: [x], lab: a}]"), HasSubstr("users[1].name is a list"));
    EXPECT_THAT(problems("users: [{name: x}]"), HasSubstr("users[1] has no lab"));
    EXPECT_THAT(problems("? [a, b]\n: c"), HasSubstr("unknown key"));
}

TEST(SiteFile, TellsSyntaxErrorsWithTheirLine) {
    EXPECT_THAT(problems("labs:\n  - name: [a\n"), HasSubstr("site.yaml:"));
    EXPECT_THAT(problems("labs:\n\t- name: a\n"), HasSubstr("site.yaml:2:"));
    EXPECT_THAT(problems("a: *nowhere"), HasSubstr("site.yaml:1:"));
    EXPECT_THAT(problems(std::string(20000, '[')), HasSubstr("site.yaml:1: lists or maps lie in each other"));
}

TEST(SiteFile, EscapesWhatItQuotes) {
    const auto text = problems("\"l\\e[2Jabs\\n\": 1\n" + std::string(500, 'k') + ": 1\n");
    EXPECT_THAT(text, HasSubstr("l\\x1b[2Jabs\\x0a"));
    EXPECT_THAT(text, HasSubstr("kkk...\""));
    EXPECT_LT(text.size(), 500u);
}

TEST(SiteFile, TellsAMissingFile) {
    const auto site = read_site_file("/no/such/site.yaml");
    ASSERT_FALSE(site);
    EXPECT_EQ(site.error().code, Code::not_found);
    EXPECT_THAT(site.error().what, HasSubstr("/no/such/site.yaml"));
}

}  // namespace
}  // namespace stowage::cli
