// Steps as they happen: a rewritten line on a terminal, one line per finished step in a pipe.
// Runs in: CLI.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/cli/events.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// "12 ms", "1.2 s", "2 min 5 s"
std::string duration_text(std::uint64_t ms);

/// A finished step on one line (with a second one for an error), for a terminal or a pipe; no newline last.
std::string step_line(const Console& console, const StepEvent& event);

class StepView {
  public:
    explicit StepView(const Console& console) : console_(console) {}
    StepView(const StepView&) = delete;
    StepView& operator=(const StepView&) = delete;
    ~StepView() { clear(); }

    void show(const StepEvent& event);
    /// Moves the spinner on.
    void tick();
    /// Takes the live line away.
    void clear();

  private:
    struct Running {
        std::string lab, step, title;
        std::chrono::steady_clock::time_point since;
    };
    std::string live_line() const;
    void draw();

    const Console& console_;
    std::vector<Running> running_;
    std::size_t frame_ = 0;
    bool drawn_ = false;
};

}  // namespace stowage::cli
