// Records of drift, and their log lines.
// Runs in: controller.
#include "gateway/controller/reconcile/drift_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace {

const DriftRecord* find(const std::vector<DriftRecord>& records, const std::string& what) {
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const DriftRecord& record) { return record.what == what; });
    return found == records.end() ? nullptr : &*found;
}

DriftOutcome outcome_of(const StepRunner& runner, const Drift& drift) {
    if (!drift.ours) return DriftOutcome::reported;
    if (runner.has_done(drift.kind)) return DriftOutcome::repaired;
    const auto& failures = runner.failures();
    const bool failed = std::any_of(failures.begin(), failures.end(), [&](const StepRunner::Failure& one) {
        return (one.kind == drift.kind && !one.step.only_mount) || depends_on(drift.kind, one.kind);
    });
    return failed ? DriftOutcome::not_repaired : DriftOutcome::reported;
}

bool says_the_same(const DriftRecord& a, const DriftRecord& b) {
    return a.is_open() && a.was == b.was && a.should_be == b.should_be && a.outcome == b.outcome;
}

void tell(const std::string& lab, const DriftRecord& record) {
    const bool good = !record.is_open();
    log::write(good ? log::Level::notice : log::Level::warning, "drift",
               {{"lab", lab},
                {"what", record.what},
                {"was", record.was},
                {"should_be", record.should_be},
                {"outcome", to_string(record.outcome)}});
}

}  // namespace

std::string note_drift(Context& context, const StepRunner& runner, const std::vector<Drift>& drift,
                       bool looked) {
    const auto& lab = runner.lab().name;
    const auto before = context.state.drift(lab);
    std::vector<DriftRecord> now, news;
    std::string open;
    for (const auto& [kind, deviation, ours] : drift) {
        DriftRecord record{deviation.what, deviation.was, deviation.should_be, now_seconds(),
                           outcome_of(runner, {kind, deviation, ours})};
        if (record.is_open())
            open += fmt::format("{}{} is {} instead of {}", open.empty() ? "" : ", ", record.what, record.was,
                                record.should_be);
        const auto* known = find(before, record.what);
        if (!known || !says_the_same(*known, record)) news.push_back(record);
        now.push_back(std::move(record));
    }
    for (auto record : before) {
        if (!looked || !record.is_open() || find(now, record.what)) continue;
        record.outcome = DriftOutcome::set_right;
        news.push_back(std::move(record));
    }
    for (const auto& record : news)
        tell(lab, record);
    // A database that cannot be written tells it again with the next pass.
    (void)context.state.put_drift(lab, news);
    return open;
}

}  // namespace stowage::controller
