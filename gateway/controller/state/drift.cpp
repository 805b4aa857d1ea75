// How labs were when they were right, and what was changed about them since.
// Runs in: controller.
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr std::int64_t kept_seconds = std::int64_t{30} * 86400;

}  // namespace

std::string_view to_string(DriftOutcome outcome) {
    switch (outcome) {
        case DriftOutcome::reported:
            return "reported";
        case DriftOutcome::repaired:
            return "repaired";
        case DriftOutcome::not_repaired:
            return "not repaired";
        case DriftOutcome::set_right:
            return "set right";
    }
    return "unknown";
}

FoundRight State::found_right(std::string_view lab) const {
    Statement row(database_, "SELECT right_wanted, right_boot, right_backend FROM labs WHERE name = ?", lab);
    if (!row.next()) return {};
    return {row.text(0), row.text(1), static_cast<message::QuotaBackend>(row.integer(2))};
}

Result<void> State::set_found_right(std::string_view lab, const FoundRight& right) {
    if (found_right(lab) == right) return {};
    return Statement(database_,
                     "UPDATE labs SET right_wanted = ?, right_boot = ?, right_backend = ? WHERE name = ?",
                     right.wanted, right.boot, static_cast<int>(right.backend), lab)
        .run();
}

int State::quota_warned(std::string_view lab) const {
    Statement row(database_, "SELECT quota_warned FROM labs WHERE name = ?", lab);
    return row.next() ? static_cast<int>(row.integer(0)) : 0;
}

Result<void> State::set_quota_warned(std::string_view lab, int level) {
    if (quota_warned(lab) == level) return {};
    return Statement(database_, "UPDATE labs SET quota_warned = ? WHERE name = ?", level, lab).run();
}

std::vector<DriftRecord> State::drift(std::string_view lab) const {
    std::vector<DriftRecord> records;
    Statement row(database_,
                  "SELECT what, was, should_be, found_at, outcome FROM drift WHERE lab = ? "
                  "ORDER BY found_at DESC, what",
                  lab);
    while (row.next())
        records.push_back({row.text(0), row.text(1), row.text(2), row.integer(3),
                           static_cast<DriftOutcome>(row.integer(4))});
    return records;
}

Result<void> State::put_drift(std::string_view lab, const std::vector<DriftRecord>& records) {
    if (records.empty()) return {};
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "DELETE FROM drift WHERE lab = ? AND outcome IN (1, 3) AND found_at < ?", lab,
                    now_seconds() - kept_seconds)
              .run());
    for (const auto& record : records)
        CHECK(Statement(database_,
                        "INSERT OR REPLACE INTO drift(lab, what, was, should_be, found_at, outcome) "
                        "VALUES(?,?,?,?,?,?)",
                        lab, record.what, record.was, record.should_be, record.found_at,
                        static_cast<int>(record.outcome))
                  .run());
    return transaction.commit();
}

}  // namespace stowage::controller
