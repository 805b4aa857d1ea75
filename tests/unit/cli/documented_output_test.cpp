// What the page of the command shows is what the command prints.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "gateway/cli/findings_view.hpp"
#include "gateway/cli/lab_views.hpp"
#include "gateway/cli/plan_view.hpp"
#include "gateway/cli/site_secrets.hpp"

namespace stowage::cli {
namespace {

namespace json = boost::json;

/// What `print` writes without colours, indented as code in Markdown.
template <typename Print>
std::string printed(Print print) {
    char* text = nullptr;
    std::size_t size = 0;
    Console console;
    console.out = open_memstream(&text, &size);
    print(console);
    std::fclose(console.out);
    std::istringstream lines(std::string(text, size));
    std::free(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        while (!line.empty() && line.back() == ' ')
            line.pop_back();
        out += "    " + line + "\n";
    }
    return out;
}

std::string page() {
    std::ifstream file(STOWAGE_SOURCE "/deploy/docs/cli.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(DocumentedOutput, PlanIsAsOnThePage) {
    const auto plan = json::parse(R"({"steps":[],"new_users":[],"runai":{"items":[
        {"kind":"node pool","title":"node pool prod","change":"create",
         "detail":"label j3soon/runai-node-pool=prod, binpack","fields":[]},
        {"kind":"department","title":"department lab1","change":"change","detail":"",
         "fields":[{"field":"over quota of prod","wanted":"off","found":"on"}]},
        {"kind":"department","title":"department lab2","change":"differs","detail":"",
         "fields":[{"field":"node_pool_order","wanted":"prod","found":"none"}],
         "error":{"code":"differs","what":"x",
                  "remedy":"apply with --adopt to take it over and change it, or make it equal in Run:ai"}},
        {"kind":"compute resource","title":"a","change":"unchanged","fields":[]},
        {"kind":"compute resource","title":"b","change":"unchanged","fields":[]}],"warnings":[]}})");
    const auto text = printed([&](const Console& console) { print_plan(console, plan.as_object()); });
    EXPECT_THAT(page(), testing::HasSubstr(text)) << text;
}

TEST(PlanTable, AStepThatIsLeftAsItIsSaysSoAndHasItsRemedy) {
    const auto plan =
        json::parse(R"({"steps":[{"lab":"lab1","step":"register_data_source","title":"data source",
        "change":"create","detail":"","error":{"what":"no department lab1","remedy":"make one"}}]})");
    const auto text = printed([&](const Console& console) { print_plan(console, plan.as_object()); });
    EXPECT_THAT(text, testing::HasSubstr("blocked"));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("create")));
    EXPECT_THAT(text, testing::HasSubstr("no department lab1"));
    EXPECT_THAT(text, testing::HasSubstr("remedy for data source: make one\n"));
}

TEST(LabTable, SaysHowOldTheUsageIs) {
    const auto row = [](std::int64_t age) {
        json::object lab{{"name", "lab1"}, {"state", "ready"}, {"used_bytes", 1024}};
        lab["seen_at"] = static_cast<std::int64_t>(std::time(nullptr)) - age;
        json::array labs;
        labs.push_back(lab);
        return printed([&](const Console& console) { print_labs(console, labs); });
    };
    EXPECT_THAT(row(245), testing::HasSubstr("1KiB, 4 min ago"));
    EXPECT_THAT(row(20), testing::Not(testing::HasSubstr("ago")));
}

TEST(PlanCounts, WhatApplyDoesAndWhatItLeaves) {
    const auto counted = [](const char* text) { return count_pending(json::parse(text).as_object()); };
    const auto both =
        counted(R"({"pending":3,"steps":[],"runai":{"items":[{"change":"create"},{"change":"change"},
        {"change":"differs","error":{"what":"x"}},{"change":"unchanged"}]}})");
    EXPECT_EQ(both.changes, 2U);
    EXPECT_EQ(both.blocked, 1U);
    const auto silent = counted(R"({"pending":4,"runai":{"error":{"what":"no answer"}},"steps":[
        {"change":"unchanged","error":{"what":"x"}},{"change":"unchanged","error":{"what":"x"}},{"change":"create"}]})");
    EXPECT_EQ(silent.changes, 1U);
    EXPECT_EQ(silent.blocked, 0U);
    EXPECT_TRUE(silent.runai_unknown);
}

TEST(DocumentedOutput, AnUnknownRoleSaysWhatIsWrong) {
    const auto plan =
        json::parse(R"({"steps":[],"runai":{"items":[{"kind":"access rule","title":"access rule a@b.de as X",
        "change":"differs","detail":"","fields":[],"error":{"what":"Run:ai has no role X","remedy":"write it otherwise"}}]}})");
    const auto text = printed([&](const Console& console) { print_plan(console, plan.as_object()); });
    EXPECT_THAT(text, testing::HasSubstr("Run:ai has no role X\n"));
}

TEST(DocumentedOutput, DoctorIsAsOnThePage) {
    const auto findings = json::parse(R"([
        {"severity":"error","what":"project lab2-default-project has no order of priority of node pools",
         "why":"its work queues for ever, and nothing says why",
         "fix":"stowage doctor --fix, or stowage apply with the site file","ours":true},
        {"severity":"warning","what":"node pool dev has no nodes","why":"work for this pool waits for ever",
         "fix":"kubectl label node NODE j3soon/runai-node-pool=dev","ours":false}])");
    const auto text = printed([&](const Console& console) { print_findings(console, findings.as_array()); });
    EXPECT_THAT(page(), testing::HasSubstr(text)) << text;
}

TEST(DocumentedOutput, SecretsAreAsOnThePage) {
    const auto secrets = json::parse(R"([
        {"service":"FTPS","name":"alice@example.org","lab":"lab1","password":"gkQ7nHd4kPwYf3aMzXe9"},
        {"service":"Run:ai","name":"alice@example.org","lab":"lab1","password":"8c1f4d0e-77aa"}])");
    const auto text = printed([&](const Console& console) { print_secrets(console, secrets.as_array()); });
    EXPECT_THAT(page(), testing::HasSubstr(text)) << text;
}

TEST(DocumentedOutput, ObeysNoneOfWhatTheGatewayAnswers) {
    const auto plan = json::parse(
        "{\"runai\":{\"items\":[{\"change\":\"create\",\"title\":\"\\u001b[2Jx\","
        "\"fields\":[{\"field\":\"\\u0007\",\"wanted\":\"\\u009b\",\"found\":\"y\"}]}]}}");
    const auto text = printed([&](const Console& console) { print_plan(console, plan.as_object()); });
    for (const char c : text)
        EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << text;
}

}  // namespace
}  // namespace stowage::cli
