// Replies of Run:ai, the good and the hostile.
#include "provisioning/runai/replies.hpp"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>

#include "provisioning/runai/document.hpp"

namespace stowage::runai {
namespace {

boost::json::value json(std::string_view text) {
    return parse_json("test", text).value();
}

constexpr const char* asset = R"({"meta":{"name":"lab1-nfs","scope":"department","departmentId":"100001",
    "id":"a418ed33-9399-48c0-a890-122cadd13bfd","kind":"nfs","createdBy":"x@y.z","projectId":null},
    "spec":{"server":"nas","path":"/p","mountPath":"/m","readOnly":false}})";

TEST(Json, RefusesDepthTailsAndBadUtf8) {
    EXPECT_TRUE(parse_json("test", std::string(30, '[') + std::string(30, ']')));
    for (const std::string& text :
         {std::string(100000, '['), std::string(40, '[') + std::string(40, ']'), std::string("{} x"),
          std::string("{\"a\":\"\xff\"}"), std::string(""), std::string("{\"a\":"), std::string("<html>")}) {
        const auto refused = parse_json("GET /x", text);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::protocol);
        EXPECT_EQ(refused.error().what.rfind("GET /x: ", 0), 0U) << refused.error().what;
    }
}

TEST(Clusters, AreReadAndDeletedOnesSkipped) {
    const auto clusters = clusters_in("test", json(R"([
        {"uuid":"u1","name":"a","tenantId":1001,"version":"2.20.29","status":{"state":"Connected"},"new":[1]},
        {"uuid":"u2","name":"b","version":null,"status":null,"deletedAt":null},
        {"uuid":"u3","name":"a","deletedAt":"2024-01-01T00:00:00Z"}])"));
    ASSERT_TRUE(clusters);
    ASSERT_EQ(clusters->size(), 2U);
    EXPECT_EQ(clusters->at(0).state, "Connected");
    EXPECT_EQ(clusters->at(1).state, "");
    EXPECT_EQ(clusters->at(1).version, "");
}

TEST(Clusters, ErrorsNameOperationAndField) {
    const auto refused = clusters_in("GET /api/v1/clusters", json(R"([{"uuid":"u","name":"a"},{"uuid":5}])"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what,
              "GET /api/v1/clusters: [1].uuid of the reply is a number where a string belongs");
    const auto lacking = clusters_in("GET /api/v1/clusters", json(R"([{"uuid":"u"}])"));
    ASSERT_FALSE(lacking);
    EXPECT_EQ(lacking.error().what, "GET /api/v1/clusters: [0] of the reply lacks name");
    EXPECT_FALSE(clusters_in("test", json(R"({"clusters":[]})")));
    EXPECT_FALSE(clusters_in("test", json(R"([{"uuid":"u","name":"a","status":"Connected"}])")));
}

TEST(Departments, PagesCarryTheNextOffset) {
    const auto page = departments_in(
        "test", json(R"({"departments":[{"id":100001,"name":"lab1","clusterId":"c"}],"next":50})"));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->departments.at(0).department.id, "100001");
    EXPECT_EQ(page->next, 50);
    EXPECT_EQ(departments_in("test", json(R"({"departments":[]})"))->next, std::nullopt);
    for (const char* bad :
         {R"({})", R"({"departments":{}})", R"({"departments":[5]})", R"({"departments":[],"next":"x"})",
          R"({"departments":[],"next":1e99})", R"({"departments":[{"id":"","name":"x","clusterId":"c"}]})",
          R"({"departments":[{"id":true,"name":"x","clusterId":"c"}]})",
          R"({"departments":[{"id":1.5,"name":"x","clusterId":"c"}]})"})
        EXPECT_FALSE(departments_in("test", json(bad))) << bad;
}

TEST(NfsReply, IsReadFieldByField) {
    const auto source = nfs_data_source_in("test", json(asset));
    ASSERT_TRUE(source);
    EXPECT_EQ(source->id, "a418ed33-9399-48c0-a890-122cadd13bfd");
    EXPECT_EQ(source->value.department_id, "100001");
    EXPECT_FALSE(source->value.read_only);
}

TEST(NfsReply, TakesNumbersAsIdsAndReadOnlyAsDefault) {
    const auto source = nfs_data_source_in(
        "test", json(R"({"meta":{"name":"n","scope":"department","departmentId":7,"id":"i"},
        "spec":{"server":"s","path":"/p","mountPath":"/m","readOnly":null}})"));
    ASSERT_TRUE(source);
    EXPECT_EQ(source->value.department_id, "7");
    EXPECT_TRUE(source->value.read_only);
}

TEST(NfsReply, RefusesMissingAndWronglyTypedFields) {
    for (const char* field :
         {"\"name\":\"lab1-nfs\"", "\"scope\":\"department\"", "\"server\":\"nas\"", "\"path\":\"/p\"",
          "\"mountPath\":\"/m\"", "\"id\":\"a418ed33-9399-48c0-a890-122cadd13bfd\""}) {
        const std::string key(field, std::string_view(field).find(':'));
        for (const std::string& other :
             {std::string("\"x\":1"), key + ":7", key + ":{}", key + ":[]", key + ":null"}) {
            std::string text = asset;
            text.replace(text.find(field), std::string_view(field).size(), other);
            EXPECT_FALSE(nfs_data_source_in("test", json(text))) << text;
        }
    }
    EXPECT_FALSE(nfs_data_sources_in("test", json(asset)));
    EXPECT_FALSE(nfs_data_sources_in("test", json(R"({"entries":null})")));
    EXPECT_TRUE(nfs_data_sources_in("test", json(std::string(R"({"entries":[)") + asset + "]}")));
}

TEST(UsedBy, CollectsEveryKind) {
    const auto users = users_in("test", json(R"({"usedBy":{
        "workspaces":[{"id":"1","name":"w","status":"Running"}],"trainings":[],"inferences":null,
        "templates":[{"id":"2","name":"t"}],
        "assets":{"environments":[{"id":"3","name":"e"}],"environment":{"id":"3","name":"e"},"compute":{"id":"4","name":"c"}}}})"));
    ASSERT_TRUE(users);
    EXPECT_EQ(to_string(*users), "workspaces w (Running), templates t, environments e, compute c");
    EXPECT_TRUE(users_in("test", json("{}"))->empty());
    EXPECT_TRUE(users_in("test", json(R"({"usedBy":null})"))->empty());
    EXPECT_FALSE(users_in("test", json(R"({"usedBy":{"workspaces":7}})")));
    EXPECT_FALSE(users_in("test", json(R"({"usedBy":[]})")));
}

TEST(ErrorBody, IsEscapedAndCut) {
    EXPECT_EQ(message_in(R"({"code":400,"message":"no\nname","details":"more"})"), "no\\x0aname: more");
    EXPECT_EQ(message_in(R"({"error":"invalid_client","error_description":"bad"})"), "bad: invalid_client");
    EXPECT_EQ(message_in("<html>\x1b"), "<html>\\x1b");
    EXPECT_EQ(message_in(""), "");
    EXPECT_LE(message_in(std::string(100000, 'x')).size(), 303U);
}

TEST(Requests, AlwaysSayReadOnlyAndScope) {
    const NfsDataSource source{"lab1-nfs", "100001", "nas", "/mnt/nfs/lab1", "/mnt/nfs", false};
    EXPECT_EQ(create_request(source),
              R"({"meta":{"name":"lab1-nfs","scope":"department","departmentId":"100001"},)"
              R"("spec":{"server":"nas","path":"/mnt/nfs/lab1","mountPath":"/mnt/nfs","readOnly":false}})");
    EXPECT_EQ(update_request(source),
              R"({"meta":{"name":"lab1-nfs"},)"
              R"("spec":{"server":"nas","path":"/mnt/nfs/lab1","mountPath":"/mnt/nfs","readOnly":false}})");
}

}  // namespace
}  // namespace stowage::runai
