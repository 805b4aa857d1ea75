// Events of the gateway's streams.
#include "gateway/cli/events.hpp"

#include <gmock/gmock.h>

namespace stowage::cli {
namespace {

TEST(Events, ReadsAStep) {
    const auto event = parse_event(
        R"({"event":"step","lab":"lab1","step":"set_quota","title":"quota 1TiB","state":"failed","ms":12,"detail":"d",)"
        R"("error":{"code":"no_space","what":"full","remedy":"buy disks"}})");
    ASSERT_TRUE(event);
    const auto& step = std::get<StepEvent>(*event);
    EXPECT_EQ(step.lab, "lab1");
    EXPECT_EQ(step.title, "quota 1TiB");
    EXPECT_EQ(step.state, StepState::failed);
    EXPECT_EQ(step.ms, 12u);
    ASSERT_TRUE(step.error);
    EXPECT_EQ(step.error->code, Code::no_space);
    EXPECT_EQ(step.error->remedy, "buy disks");
}

TEST(Events, NamesAStepWithoutTitle) {
    const auto event = parse_event(R"({"event":"step","step":"set_quota","state":"start"})");
    ASSERT_TRUE(event);
    EXPECT_EQ(std::get<StepEvent>(*event).title, "set_quota");
    EXPECT_FALSE(std::get<StepEvent>(*event).ms);
}

TEST(Events, ReadsAResult) {
    const auto event =
        parse_event(R"({"event":"result","ok":true,"converged":false,"summary":"s","labs":[{}]})");
    ASSERT_TRUE(event);
    const auto& result = std::get<ResultEvent>(*event);
    EXPECT_TRUE(result.ok);
    EXPECT_FALSE(result.converged);
    EXPECT_EQ(result.summary, "s");
    EXPECT_TRUE(result.body.contains("labs"));
}

TEST(Events, AResultThatDoesNotSaySoIsNotOk) {
    for (const auto* line : {R"({"event":"result"})", R"({"event":"result","ok":"true","converged":1})"}) {
        const auto event = parse_event(line);
        ASSERT_TRUE(event);
        EXPECT_FALSE(std::get<ResultEvent>(*event).ok);
        EXPECT_FALSE(std::get<ResultEvent>(*event).converged);
    }
}

TEST(Events, PassesOverUnknownKinds) {
    const auto event = parse_event(R"({"event":"heartbeat","x":[1,{"y":null}]})");
    ASSERT_TRUE(event);
    EXPECT_TRUE(std::holds_alternative<OtherEvent>(*event));
}

TEST(Events, RefusesNonsense) {
    for (const auto* line : {"", "x", "[]", "1", "{}", R"({"event":7.5e,})", R"({"event":null})",
                             R"({"event":"step","state":"finished"})", R"({"event":"step"})",
                             "{\"event\":\"\xff\"}", R"({"event":"step","state":"done"} {})"}) {
        const auto event = parse_event(line);
        ASSERT_FALSE(event) << line;
        EXPECT_EQ(event.error().code, Code::protocol);
    }
    EXPECT_FALSE(parse_event(std::string(100'000, '[')));
}

TEST(Events, SurvivesWrongFieldTypes) {
    const auto event = parse_event(
        R"({"event":"step","lab":{},"step":[],"title":null,"state":"done","ms":-5,"detail":1,"error":"x"})");
    ASSERT_TRUE(event);
    const auto& step = std::get<StepEvent>(*event);
    EXPECT_EQ(step.lab, "");
    EXPECT_EQ(step.detail, "1");
    EXPECT_EQ(step.ms, 0u);
    EXPECT_FALSE(step.error);
}

}  // namespace
}  // namespace stowage::cli
