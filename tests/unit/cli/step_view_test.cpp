// Lines of steps, on terminals and in pipes.
#include "gateway/cli/step_view.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace stowage::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What is written to a console.
class Output {
  public:
    Output() { console.out = open_memstream(&text_, &size_); }
    ~Output() {
        std::fclose(console.out);
        std::free(text_);
    }
    std::string text() {
        std::fflush(console.out);
        return {text_, size_};
    }
    Console console;

  private:
    char* text_ = nullptr;
    std::size_t size_ = 0;
};

StepEvent step(StepState state, std::string title = "quota 1TiB") {
    return {.lab = "lab1",
            .step = "set_quota",
            .title = std::move(title),
            .detail = {},
            .state = state,
            .ms = 12};
}

TEST(StepView, TellsDurations) {
    EXPECT_EQ(duration_text(0), "0 ms");
    EXPECT_EQ(duration_text(999), "999 ms");
    EXPECT_EQ(duration_text(1250), "1.2 s");
    EXPECT_EQ(duration_text(125'000), "2 min 5 s");
}

TEST(StepView, PipeLinesAreAscii) {
    Console console;
    EXPECT_EQ(step_line(console, step(StepState::done)), "done      lab1  quota 1TiB  12 ms");
    EXPECT_EQ(step_line(console, step(StepState::unchanged)), "unchanged lab1  quota 1TiB  12 ms");
    auto failed = step(StepState::failed);
    failed.error = Error{Code::no_space, "disk is full", "make room"};
    failed.detail = "of 3";
    EXPECT_EQ(step_line(console, failed),
              "failed    lab1  quota 1TiB (of 3)  12 ms\n      disk is full\n      remedy: make room");
}

TEST(StepView, TerminalLinesHaveMarksAndColours) {
    Console console;
    console.live = true;
    EXPECT_EQ(step_line(console, step(StepState::done)), "  ✔ lab1  quota 1TiB  12 ms");
    console.colour = true;
    EXPECT_THAT(step_line(console, step(StepState::failed)), HasSubstr("\x1b[31m✘\x1b[0m"));
}

TEST(StepView, EscapesWhatTheGatewaySays) {
    auto evil = step(StepState::failed, "t\x1b[2J\n");
    evil.lab = evil.detail = "\xc2\x9b";
    evil.error = Error{Code::io, "w\r", "r\b"};
    const auto line = step_line(Console(), evil);
    EXPECT_EQ(line,
              "failed    \\xc2\\x9b  t\\x1b[2J\\x0a (\\xc2\\x9b)  12 ms\n      w\\x0d\n      remedy: r\\x08");
}

TEST(StepView, PipeShowsOnlyWhatEnded) {
    Output output;
    StepView view(output.console);
    view.show(step(StepState::start));
    view.tick();
    EXPECT_EQ(output.text(), "");
    view.show(step(StepState::done));
    EXPECT_EQ(output.text(), "done      lab1  quota 1TiB  12 ms\n");
}

TEST(StepView, TerminalRewritesOneLineAndLeavesNone) {
    Output output;
    output.console.live = true;
    output.console.columns = 40;
    {
        StepView view(output.console);
        view.show(step(StepState::start, std::string(200, 'x')));
        EXPECT_THAT(output.text(), Not(HasSubstr("\n")));
        EXPECT_LT(width_of(output.text()), 40u);
        auto other = step(StepState::start, "export");
        other.step = "publish_export";
        view.show(other);
        EXPECT_THAT(output.text(), HasSubstr("(+1 more)"));
        view.show(step(StepState::done));
        EXPECT_THAT(output.text(), HasSubstr("✔"));
    }
    const auto text = output.text();
    EXPECT_EQ(text.substr(text.size() - 4), "\r\x1b[K");
}

TEST(StepView, NarrowestTerminalDoesNotMatter) {
    Output output;
    output.console.live = true;
    output.console.columns = 1;
    StepView view(output.console);
    view.show(step(StepState::start, "ééé"));
    view.tick();
    EXPECT_THAT(output.text(), HasSubstr("0 ms"));
}

}  // namespace
}  // namespace stowage::cli
