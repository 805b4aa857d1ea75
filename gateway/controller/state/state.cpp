// Opening the state, and the status of labs.
// Runs in: controller.
#include "gateway/controller/state/state.hpp"

#include <fmt/format.h>

#include <chrono>

#include "gateway/base/found_on_disk.hpp"
#include "gateway/controller/state/schema.hpp"
#include "gateway/controller/state/state_lock.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

std::int64_t now_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string_view to_string(LabState state) {
    switch (state) {
        case LabState::pending:
            return "pending";
        case LabState::ready:
            return "ready";
        case LabState::degraded:
            return "degraded";
        case LabState::failed:
            return "failed";
        case LabState::deleting:
            return "deleting";
    }
    return "unknown";
}

namespace {

Result<void> configure(sqlite::Database& database) {
    // A read-only file still answers here; the first write tells.
    CHECK(database.execute(
        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"));
    return database.execute("PRAGMA journal_mode = WAL");
}

Result<void> prepare(sqlite::Database& database) {
    CHECK(configure(database));
    CHECK(prepare_schema(database));
    // Proves that it can be written, so that a read-only file or a full disk is told at start, not by the
    // first lab.
    TRY(auto transaction, Transaction::begin(database));
    CHECK(Statement(database, "DELETE FROM journal WHERE id <= (SELECT max(id) FROM journal) - 10000").run());
    CHECK(database.execute("PRAGMA user_version = " + std::to_string(newest_schema())));
    return transaction.commit();
}

}  // namespace

Result<State> State::open(const std::string& directory) {
    TRY(auto lock, lock_state(directory));
    TRY(auto database, sqlite::Database::open(directory + "/stowage.db"));
    State state(std::move(lock), std::move(database));
    try {
        CHECK(prepare(state.database_));
        CHECK(state.take_found(fmt::format("{}/{}", directory, found_on_disk_file)));
    } catch (const Fatal& lost) {
        return lost.error();
    }
    return state;
}

LabStatus State::status(std::string_view lab) const {
    Statement row(database_, "SELECT state, why, since, verified_at FROM labs WHERE name = ?", lab);
    if (!row.next()) return {};
    return {static_cast<LabState>(row.integer(0)), row.text(1), row.integer(2), row.integer(3)};
}

Result<void> State::set_status(std::string_view lab, LabState state, std::string_view why) {
    const auto before = status(lab);
    if (before.state == state && before.why == why) return {};
    return Statement(database_, "UPDATE labs SET state = ?, why = ?, since = ? WHERE name = ?",
                     static_cast<int>(state), why, now_seconds(), lab)
        .run();
}

std::vector<Check> State::checks(std::string_view lab) const {
    std::vector<Check> checks;
    Statement row(database_, "SELECT name, ok, ms, detail FROM checks WHERE lab = ? ORDER BY position", lab);
    while (row.next())
        checks.push_back({row.text(0), row.integer(1) != 0, row.integer(2), row.text(3)});
    return checks;
}

Result<void> State::set_checks(std::string_view lab, const std::vector<Check>& checks) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "DELETE FROM checks WHERE lab = ?", lab).run());
    bool all_ok = !checks.empty();
    int position = 0;
    for (const auto& check : checks) {
        all_ok = all_ok && check.ok;
        CHECK(Statement(database_,
                        "INSERT INTO checks(lab, position, name, ok, ms, detail) VALUES(?,?,?,?,?,?)", lab,
                        position++, check.name, check.ok, check.ms, check.detail)
                  .run());
    }
    CHECK(Statement(database_, "UPDATE labs SET verified_at = ? WHERE name = ?", all_ok ? now_seconds() : 0,
                    lab)
              .run());
    return transaction.commit();
}

}  // namespace stowage::controller
