// The stand-in's own rules: it refuses what Run:ai's OpenAPI file refuses. tests/system/runai compares with
// Prism.
#include "tests/support/runai_stand_in/operations.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace stowage::stand_in {
namespace {

bool accepts(const std::vector<Rule>& rules, std::string_view body) {
    return !violation(boost::json::parse(boost::json::string_view(body.data(), body.size())), rules);
}

TEST(StandInRules, WantEveryRequiredField) {
    const char* good =
        R"({"meta":{"name":"a","scope":"tenant"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})";
    EXPECT_TRUE(accepts(nfs_create_rules(), good));
    for (
        const char* bad :
        {R"([])", R"({})", R"({"meta":{"name":"a","scope":"tenant"}})",
         R"({"meta":{"scope":"tenant"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"","scope":"tenant"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":5,"scope":"tenant"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"world"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant","projectId":"7"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant","projectId":3000000000},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant","clusterId":"x"},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant","extra":1},"spec":{"server":"s","path":"/p","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant"},"spec":{"server":"s","path":"/p"}})",
         R"({"meta":{"name":"a","scope":"tenant"},"spec":{"server":"s","path":"/p","mountpath":"/m","mountPath":"/m"}})",
         R"({"meta":{"name":"a","scope":"tenant"},"spec":{"server":"s","path":"/p","mountPath":"/m","readOnly":"no"}})"})
        EXPECT_FALSE(accepts(nfs_create_rules(), bad)) << bad;
    EXPECT_FALSE(accepts(nfs_update_rules(), good));  // a scope cannot be changed
}

TEST(StandInRules, CountCharactersNotBytes) {
    const auto body = [](const std::string& description) {
        return R"({"meta":{"name":"a","description":")" + description +
               R"("},"spec":{"server":"s","path":"/p","mountPath":"/m"}})";
    };
    std::string accents;
    for (int i = 0; i < 250; ++i)
        accents += "\xc3\xa9";
    EXPECT_TRUE(accepts(nfs_update_rules(), body(accents)));
    EXPECT_FALSE(accepts(nfs_update_rules(), body(accents + "x")));
    EXPECT_FALSE(accepts(nfs_update_rules(), body("")));
}

TEST(StandInRules, CheckQueries) {
    const auto departments = list_rules({"name", "clusterId"});
    const std::vector<Rule> assets{{.name = "usageInfo", .kind = Kind::boolean},
                                   {.name = "projectId", .kind = Kind::integer32},
                                   {.name = "assetIds", .kind = Kind::uuid_list}};
    EXPECT_FALSE(violation(Query{{"filterBy", "name==a,clusterId==b"}, {"limit", "500"}}, departments));
    EXPECT_TRUE(violation(Query{{"limit", "501"}}, departments));
    EXPECT_TRUE(violation(Query{{"limit", "0"}}, departments));
    EXPECT_TRUE(violation(Query{{"limit", "x"}}, departments));
    EXPECT_TRUE(violation(Query{{"filterBy", "name=a"}}, departments));
    EXPECT_TRUE(violation(Query{{"filterBy", "name==a,"}}, departments));
    EXPECT_TRUE(violation(Query{{"filterby", "name==a"}}, departments));
    EXPECT_TRUE(violation(Query{{"usageInfo", "yes"}}, assets));
    EXPECT_TRUE(violation(Query{{"clusterId", "x"}}, assets));
}

TEST(StandInTargets, AreSplitAndDecoded) {
    const auto request = split_target("GET", "/a/b?x=1%2C2&y=%3D");
    EXPECT_EQ(request.path, "/a/b");
    EXPECT_EQ(request.query.at("x"), "1,2");
    EXPECT_EQ(request.query.at("y"), "=");
    EXPECT_FALSE(request.query_is_bad);
    for (const char* bad : {"/a?x=1&x=2", "/a?x", "/a?x=%zz", "no"})
        EXPECT_TRUE(split_target("GET", bad).query_is_bad) << bad;
}

}  // namespace
}  // namespace stowage::stand_in
