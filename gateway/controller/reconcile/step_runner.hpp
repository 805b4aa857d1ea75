// Steps of one lab in their order: journaled, tried again, stopped where they depend on what failed.
// Runs in: controller.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/perform.hpp"
#include "gateway/controller/reconcile/report.hpp"

namespace stowage::controller {

class StepRunner {
  public:
    struct Failure {
        StepKind kind;
        Error error;
        Step step;
    };

    StepRunner(Context& context, Lab lab, Report report)
        : context_(context), lab_(std::move(lab)), report_(std::move(report)) {}

    /// Runs those that nothing failed stands in the way of.
    boost::asio::awaitable<void> run(std::vector<Step> steps);

    /// A failure that no step stands for: the lab could not be observed.
    void note_failure(StepKind kind, Error error, std::string title);

    const std::vector<Failure>& failures() const { return failures_; }
    bool has_done(StepKind kind) const { return std::find(done_.begin(), done_.end(), kind) != done_.end(); }
    const Lab& lab() const { return lab_; }
    const Report& report() const { return report_; }
    void tell(const Step& step, Progress progress, std::chrono::steady_clock::time_point since,
              std::string detail, std::optional<Error> error = std::nullopt) const;

  private:
    bool is_blocked(const Step& step) const;
    boost::asio::awaitable<Result<Performed>> once(Step step);
    boost::asio::awaitable<void> run_one(Step step);

    Context& context_;
    Lab lab_;
    Report report_;
    std::vector<Failure> failures_;
    std::vector<StepKind> done_;
};

}  // namespace stowage::controller
