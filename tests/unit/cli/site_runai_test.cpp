// The Run:ai part of site.yaml: what it means, and what is said about what is wrong.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include <algorithm>

#include "gateway/cli/site_body.hpp"

namespace stowage::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Site parsed(const std::string& text) {
    auto site = parse_site(text, "site.yaml");
    EXPECT_TRUE(site) << site.error().text();
    return site ? std::move(*site) : Site{};
}

std::string refused(const std::string& text) {
    const auto site = parse_site(text, "site.yaml");
    return site ? "accepted" : site.error().text();
}

TEST(SiteRunai, ExampleIsTheNotesOwnSetUp) {
    const auto site = read_site_file(STOWAGE_SOURCE "/deploy/site.example.yaml");
    ASSERT_TRUE(site) << site.error().text();
    ASSERT_EQ(site->node_pools.size(), 2U);
    EXPECT_EQ(site->node_pools[0].label_key, "j3soon/runai-node-pool");
    EXPECT_EQ(site->node_pools[0].label_value, "prod");
    EXPECT_EQ(site->node_pools[1].placement, "binpack");
    ASSERT_EQ(site->departments.size(), 3U);
    const auto& lab1 = site->departments[0];
    EXPECT_EQ(lab1.quota.gpus->at("prod"), 100);
    EXPECT_FALSE(lab1.quota.over_quota.value_or(true));
    EXPECT_THAT(lab1.quota.pools_in_order(), ElementsAre("prod"));
    ASSERT_EQ(lab1.projects.size(), 1U);
    EXPECT_EQ(lab1.projects[0].name, "lab1-default-project");
    EXPECT_EQ(site->departments[1].quota.gpus->at("prod"), 50);
    EXPECT_THAT(site->departments[2].projects[1].quota.pools_in_order(), ElementsAre("dev"));
    ASSERT_EQ(site->members.size(), 3U);
    EXPECT_EQ(site->members[0].roles, usual_roles);
    EXPECT_EQ(site->members[0].project, "lab1-default-project");
    EXPECT_EQ(site->members[2].project, "lab3-debug");
    ASSERT_EQ(site->users.size(), 3U);
    EXPECT_EQ(site->users[0].name, "alice@example.org");
    EXPECT_EQ(site->users[0].email, "alice@example.org");
    EXPECT_EQ(site->users[1].name, "bob");
    EXPECT_EQ(site->users[1].email, "bob@example.org");
    EXPECT_EQ(site->users[2].email, "");
    ASSERT_EQ(site->compute_resources.size(), 11U);
    EXPECT_EQ(site->compute_resources[8].name, "gpu8");
    EXPECT_EQ(site->compute_resources[8].gpus, 8U);
    EXPECT_EQ(site->compute_resources[10].memory, "8Gi");
    EXPECT_EQ(site->container_path, "/mnt/nfs");
}

TEST(SiteRunai, ALabIsThreeLines) {
    const auto site = parsed(
        "defaults:\n  gpus: {prod: 4}\nlabs:\n  - name: lab1\n  - name: lab2\n    gpus:\n      prod: 8\n");
    ASSERT_EQ(site.departments.size(), 2U);
    EXPECT_EQ(site.departments[1].quota.gpus->at("prod"), 8);
    EXPECT_EQ(site.departments[1].projects[0].quota.gpus->at("prod"), 8);
}

TEST(SiteRunai, LabsWithoutGpusAreNotRunaisBusiness) {
    const auto site = parsed("labs:\n  - name: lab1\n");
    EXPECT_TRUE(site.departments.empty());
    EXPECT_FALSE(site.speaks_of_runai());
}

TEST(SiteRunai, WhatIsWrongIsToldWithLineValueAndRemedy) {
    const std::pair<const char*, const char*> cases[] = {
        {"runai:\n  client_secret: x\n",
         "site.yaml:2: runai.client_secret: no secret belongs into this file"},
        {"runai:\n  uri: x\n", "site.yaml:2: unknown key \"uri\" in runai; did you mean url?"},
        {"node_pools:\n  - name: Prod\n    label: a=b\n", "\"Prod\" is no name that Run:ai takes"},
        {"node_pools:\n  - name: prod\n    label: prod\n", "\"prod\" is no label; write KEY=VALUE"},
        {"node_pools:\n  - name: prod\n", "site.yaml:2: node_pools[1] has no label"},
        {"node_pools:\n  - {name: prod, label: a=b, placement: bin-pack}\n", "give binpack or spread"},
        {"labs:\n  - name: lab1\n    gpus: {prod: many}\n", "\"many\" is no number of GPUs"},
        {"labs:\n  - name: lab1\n    gpus: {prod: -1}\n",
         "\"-1\" is no number of GPUs; give one from 0, or unlimited"},
        {"labs:\n  - name: lab1\n    gpus: {}\n", "names node pools with their GPUs"},
        {"labs:\n  - name: lab1\n    gpus: {prod: 0}\n",
         "lab lab1: no node pool has GPUs: its work would wait for ever"},
        {"labs:\n  - name: lab1\n    gpus: {prod: 1}\n    node_pool_order: [dev]\n",
         "node pool dev is in node_pool_order and has no GPUs"},
        {"labs:\n  - name: lab1\n    gpus: {prod: 1}\n    node_pool_order: []\n", "work would wait for ever"},
        {"labs:\n  - name: lab1\n    gpus: {prod: 1}\n    over_quota: maybe\n",
         "\"maybe\" is neither on nor off"},
        {"labs:\n  - name: lab1\n    over_quota: on\n", "lab lab1 has no GPUs; add gpus"},
        {"defaults:\n  project: same\n", "write {lab} where the lab's name belongs"},
        {"defaults:\n  data_source: {read_only: true}\n", "data sources are read-write"},
        {"defaults:\n  data_source: {scope: cluster}\n", "\"cluster\" is no scope; give department"},
        {"defaults:\n  data_source: {project: p}\n", "data_source.project goes with scope: project"},
        {"defaults:\n  data_source: {scope: project}\nlabs:\n  - name: lab1\n",
         "site.yaml:4: lab lab1: its data source is of scope project, and the lab has no project"},
        {"labs:\n  - name: lab1\n    gpus: {p: 1}\n    data_source: {scope: project, project: x}\n",
         "its data source is of project \"x\", and the lab has lab1-default-project"},
        {"labs:\n  - name: lab1\n    data_source: {read_only: true}\n", "read_only"},
        {"users:\n  - email: alice\n    lab: lab1\n", "\"alice\" is no email address"},
        {"labs:\n  - name: lab1\nusers:\n  - email: a@b.de\n    lab: lab1\n",
         "site.yaml:4: user a@b.de: lab lab1 has no GPUs in this file"},
        {"users:\n  - email: a@b.de\n    lab: lab1\n",
         "user a@b.de: this file has no lab lab1; add it under labs with its GPUs, or write the user with "
         "`name`"},
        {"labs:\n  - {name: bio, gpus: {p: 1}}\nusers:\n  - email: a@b.de\n    lab: biology\n",
         "site.yaml:4: user a@b.de: this file has no lab biology; did you mean bio?"},
        {"users:\n  - {email: a@b.de, lab: x, ftps: no}\n",
         "site.yaml:2: users[1].ftps: \"no\" is no account; write none for a user without one, or the "
         "account's "
         "name"},
        {"users:\n  - {email: a@b.de, lab: x, ftps: Yes}\n", "users[1].ftps: \"Yes\" is no account"},
        {"node_pools:\n  - {name: p, label: a=b}\n  - {name: p, label: a=c}\n",
         "site.yaml:3: node pool p is there twice, first in line 2; keep one"},
        {"node_pools:\n  - {name: p, label: a=b}\n  - {name: q, label: a=b}\n",
         "site.yaml:3: node pool q has the label a=b, as p has in line 2: a node belongs to one pool; give "
         "each its own"},
        {"node_pools:\n  - {name: p, label: a/b/c=d}\n",
         "site.yaml:2: node_pools[1].label: \"a/b/c\" is no label key of Kubernetes; "},
        {"node_pools:\n  - {name: p, label: a=b c}\n", "\"b c\" is no label value of Kubernetes"},
        {"labs:\n  - {name: a, gpus: {p: 1}, project: x}\n  - {name: b, gpus: {p: 1}, project: x}\n",
         "site.yaml:3: project x is there twice, first in line 2; projects' names are unique in the cluster"},
        {"labs:\n  - name: a\n    gpus: {p: 2}\n    projects:\n      - {name: x, gpus: {q: 1}}\n",
         "site.yaml:5: project x goes to node pool q, and its lab a has no GPUs there: work would wait for "
         "ever; give the lab GPUs of that pool too"},
        {"labs:\n  - name: a\n    gpus: {p: 2}\n    projects:\n      - {name: x, gpus: {p: 3}}\n",
         "site.yaml:2: lab a has 2 GPUs of p, and its projects 3 together; lower the projects' quotas or "
         "raise "
         "the lab's"},
        {"labs:\n  - name: a\n    gpus: {p: 2}\n    projects:\n      - {name: x, gpus: {p: 1.5}}\n      - "
         "{name: y, gpus: {p: 1}}\n",
         "lab a has 2 GPUs of p, and its projects 2.5 together"},
        {"labs:\n  - name: a\n    gpus: {p: 2}\n    projects:\n      - {name: x, gpus: {p: unlimited}}\n",
         "lab a has 2 GPUs of p, and its projects unlimited together"},
        {"compute_resources:\n  - gpus: 0..8\n  - {name: gpu8, gpus: 8}\n",
         "site.yaml:3: compute resource gpu8 is there twice, first in line 2; keep one"},
        {"users:\n  - email: a@b.de\n    name: a\n    lab: lab1\n",
         "give an email address (a user of Run:ai) or a name"},
        {"users:\n  - lab: lab1\n    roles: [x]\n", "has no email address"},
        {"labs:\n  - name: lab1\n    gpus: {p: 1}\nusers:\n  - {email: a@b.de, lab: lab1, project: other}\n",
         "lab lab1 has no project \"other\"; it has lab1-default-project"},
        {"labs:\n  - name: lab1\n    gpus: {p: 1}\nusers:\n  - {email: a@b.de, lab: lab1}\n  - {email: "
         "A@b.de, lab: lab1}\n",
         "user a@b.de is there twice, first in line 5"},
        {"compute_resources:\n  - gpus: 8..0\n", "is no number of GPUs; give one such as 8, or a range"},
        {"compute_resources:\n  - {name: x, gpus: 1, portion: 0.5}\n",
         "give one of gpus, portion and memory"},
        {"compute_resources:\n  - {name: x, portion: 2}\n", "is no part of a GPU"},
        {"compute_resources:\n  - {name: x, memory: much}\n", "is no size"},
        {"compute_resources:\n  - {portion: 0.5}\n", "has no name"},
        {"compute_resources:\n  - {name: g, gpus: 1..2}\n", "a range needs {gpus} in its name"},
    };
    for (const auto& [text, problem] : cases)
        EXPECT_THAT(refused(text), HasSubstr(problem)) << text;
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
}

/// One mistake is one line: what only follows from it is not told.
TEST(SiteRunai, WhatFollowsFromAMistakeIsNotTold) {
    const char* texts[] = {
        "labs:\n  - {name: a, gpus: {p: many}}\nusers:\n  - {email: a@b.de, lab: a}\n",
        "labs:\n  - {name: a, gpus: {}}\n",
        "labs:\n  - {name: a, gpus: {p: 0}}\n",
        "defaults: {gpus: {p: many}}\nlabs:\n  - {name: a}\n  - {name: b}\n",
        "labs:\n  - {name: a, gpus: {p: 1}}\nusers:\n  - {email: a@b.de}\n",
        "labs:\n  - {name: a, gpus: {p: 1}}\nusers:\n  - {email: a@b.de, lab: A}\n",
        "labs:\n  - {name: 1a, gpus: {p: 1}}\nusers:\n  - {email: a@b.de, lab: 1b}\n",
    };
    const std::size_t lines[] = {1, 1, 1, 1, 1, 1, 2};
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        const auto site = parse_site(texts[i], "site.yaml");
        ASSERT_FALSE(site) << texts[i];
        EXPECT_EQ(lines_of(site.error().what), lines[i]) << site.error().what;
    }
}

/// Where the gateway's configuration is at hand: else plan says it, and without a line.
TEST(SiteRunai, IsComparedWithTheGatewaysConfiguration) {
    const std::string text =
        "runai:\n  url: https://runai.local/\n  cluster: mine\ndefaults:\n  data_source:\n"
        "    container_path: /data\nlabs: [{name: a}]\n";
    EXPECT_TRUE(parse_site(text, "site.yaml", {"https://runai.local", "mine", "/data"}));
    const auto site = parse_site(text, "site.yaml", {"https://other.local", "yours", "/mnt/nfs"});
    ASSERT_FALSE(site);
    EXPECT_EQ(
        site.error().what,
        "site.yaml:2: runai.url is https://runai.local/, and the gateway's is https://other.local; correct "
        "one of them\n"
        "site.yaml:3: runai.cluster is mine, and the gateway's is yours; correct one of them\n"
        "site.yaml:6: defaults.data_source.container_path is /data, and the gateway's "
        "runai.container_path is /mnt/nfs; correct one of them");
}

TEST(SiteRunai, DataSourcesAreOfTheScopeThatIsSaid) {
    const auto labs = parsed(
                          "defaults: {gpus: {p: 1}, data_source: {scope: project}}\nlabs:\n  - name: lab1\n"
                          "  - {name: lab2, data_source: {scope: department}}\n"
                          "  - {name: lab3, projects: [{name: a}, {name: lab3-b}], data_source: {scope: "
                          "project, project: \"{lab}-b\"}}\n")
                          .labs;
    EXPECT_EQ(labs[0].data_source_project, "lab1-default-project");
    EXPECT_EQ(labs[1].data_source_project, "");
    EXPECT_EQ(labs[2].data_source_project, "lab3-b");
    // What the file does not say stays as it is.
    EXPECT_EQ(parsed("labs:\n  - name: lab1\n").labs[0].data_source_project, std::nullopt);
}

TEST(SiteRunai, BodyHoldsEveryDefaultInItsPlace) {
    const auto site = parsed(
        "defaults: {gpus: {prod: 4, dev: 0}}\nlabs:\n  - name: lab1\nusers:\n  - {email: a@b.de, lab: lab1, "
        "ftps: none}\n");
    const auto body = std::string(site_body(site, {}, {true, false, {}}).reveal());
    EXPECT_THAT(body, AllOf(HasSubstr(R"("adopt":true)"), HasSubstr(R"("order":["prod"])"),
                            HasSubstr(R"("project":"lab1-default-project")"),
                            HasSubstr(R"("over_quota":false)"), HasSubstr(R"({"pool":"dev","gpus":0E0})")));
    EXPECT_THAT(body, HasSubstr(R"("users":[])"));
}

}  // namespace
}  // namespace stowage::cli
