// Marks, spinner and the rewriting of the last line.
// Runs in: CLI.
#include "gateway/cli/step_view.hpp"

#include <fmt/format.h>

#include <array>

namespace stowage::cli {

namespace {

using std::chrono::steady_clock;

struct Mark {
    std::string_view live, plain;
    Colour colour;
};

Mark mark_of(StepState state) {
    switch (state) {
        case StepState::done:
            return {"✔", "done", Colour::green};
        case StepState::unchanged:
            return {"=", "unchanged", Colour::faint};
        case StepState::failed:
            return {"✘", "failed", Colour::red};
        case StepState::retry:
            return {"↻", "retry", Colour::yellow};
        case StepState::start:
            break;
    }
    return {"…", "start", Colour::plain};
}

std::uint64_t ms_since(steady_clock::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start).count());
}

}  // namespace

std::string duration_text(std::uint64_t ms) {
    if (ms < 1000) return fmt::format("{} ms", ms);
    if (ms < 60'000) return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
    return fmt::format("{} min {} s", ms / 60'000, ms % 60'000 / 1000);
}

std::string step_line(const Console& console, const StepEvent& event) {
    const auto mark = mark_of(event.state);
    auto line =
        console.live ? "  " + console.painted(mark.colour, mark.live) : fmt::format("{:<9}", mark.plain);
    if (!event.lab.empty()) line += fmt::format(" {} ", shown(event.lab));
    line += " " + shown(event.title);
    if (!event.detail.empty()) line += " (" + shown(event.detail) + ")";
    if (event.ms) line += console.painted(Colour::faint, fmt::format("  {}", duration_text(*event.ms)));
    if (event.error && event.state != StepState::unchanged) {
        line += fmt::format("\n      {}", console.painted(mark.colour, shown(event.error->what)));
        if (!event.error->remedy.empty())
            line += fmt::format("\n      remedy: {}", shown(event.error->remedy));
    }
    return line;
}

void StepView::show(const StepEvent& event) {
    clear();
    std::erase_if(running_, [&](const Running& r) { return r.lab == event.lab && r.step == event.step; });
    if (event.state == StepState::start)
        running_.push_back({event.lab, event.step, event.title, steady_clock::now()});
    else
        console_.line(step_line(console_, event));
    draw();
    std::fflush(console_.out);
}

void StepView::tick() {
    ++frame_;
    draw();
    std::fflush(console_.out);
}

void StepView::clear() {
    if (!drawn_) return;
    std::fputs("\r\x1b[K", console_.out);
    drawn_ = false;
}

/// The oldest step that runs, cut to the window's width: a wrapped line could not be rewritten.
std::string StepView::live_line() const {
    static constexpr std::array<std::string_view, 10> frames = {"⠋", "⠙", "⠹", "⠸", "⠼",
                                                                "⠴", "⠦", "⠧", "⠇", "⠏"};
    const auto& oldest = running_.front();
    auto text = shown(oldest.lab) + "  " + shown(oldest.title);
    const auto tail =
        fmt::format("  {}{}", duration_text(ms_since(oldest.since)),
                    running_.size() > 1 ? fmt::format("  (+{} more)", running_.size() - 1) : "");
    const auto room = console_.columns > tail.size() + 8 ? console_.columns - tail.size() - 8 : 0;
    while (width_of(text) > room && !text.empty()) {
        // A UTF-8 sequence goes as a whole.
        while (text.size() > 1 && (static_cast<unsigned char>(text.back()) >> 6) == 2)
            text.pop_back();
        text.pop_back();
    }
    return fmt::format("  {} {}{}", frames[frame_ % frames.size()], text, tail);
}

void StepView::draw() {
    if (!console_.live || running_.empty()) return;
    clear();
    const auto line = live_line();
    std::fwrite(line.data(), 1, line.size(), console_.out);
    drawn_ = true;
}

}  // namespace stowage::cli
