// The journal of steps, and what we own in Run:ai.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

std::optional<OwnedDataSource> State::data_source(std::string_view lab) const {
    Statement row(database_,
                  "SELECT remote_id, made, name, department_id, server, path, mount_path, read_only, "
                  "project_id FROM data_sources WHERE lab = ?",
                  lab);
    if (!row.next()) return std::nullopt;
    OwnedDataSource owned{row.text(0), row.integer(1) != 0, {}};
    owned.sent = {row.text(2), row.text(3),         row.text(4), row.text(5),
                  row.text(6), row.integer(7) != 0, row.text(8)};
    return owned;
}

Result<void> State::write_data_source(std::string_view lab, const OwnedDataSource& owned) {
    const auto& sent = owned.sent;
    return Statement(
               database_,
               "INSERT OR REPLACE INTO data_sources(lab, remote_id, made, name, department_id, server, path, "
               "mount_path, read_only, project_id) VALUES(?,?,?,?,?,?,?,?,?,?)",
               lab, owned.remote_id, owned.made, sent.name, sent.department_id, sent.server, sent.path,
               sent.mount_path, sent.read_only, sent.project_id)
        .run();
}

Result<std::int64_t> State::begin_step(std::string_view lab, std::string_view step,
                                       const StepIntent& intent) {
    TRY(auto transaction, Transaction::begin(database_));
    if (intent.unverifies)
        CHECK(Statement(database_, "UPDATE labs SET verified_at = 0 WHERE name = ?", lab).run());
    if (intent.makes_directory)
        CHECK(Statement(database_, "UPDATE labs SET directory = ? WHERE name = ? AND directory = 0",
                        static_cast<int>(DirectoryPhase::making), lab)
                  .run());
    if (intent.gives_project)
        CHECK(
            Statement(database_,
                      "UPDATE uids_used SET project_id = ? WHERE uid = (SELECT uid FROM labs WHERE name = ?)",
                      intent.gives_project, lab)
                .run());
    if (intent.makes_data_source) CHECK(write_data_source(lab, {"", true, *intent.makes_data_source}));
    Statement insert(
        database_,
        "INSERT INTO journal(lab, step, started, finished, outcome, error) VALUES(?,?,?,0,'','') "
        "RETURNING id",
        lab, step, now_seconds());
    TRY(const bool inserted, insert.step());
    const auto id = inserted ? insert.integer(0) : 0;
    CHECK(insert.run());
    CHECK(transaction.commit());
    return id;
}

Result<void> State::end_step(std::int64_t id, std::string_view lab, const StepOutcome& outcome) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "UPDATE journal SET finished = ?, outcome = 'done' WHERE id = ?",
                    now_seconds(), id)
              .run());
    if (outcome.made_directory)
        CHECK(Statement(database_, "UPDATE labs SET directory = ? WHERE name = ?",
                        static_cast<int>(DirectoryPhase::made), lab)
                  .run());
    if (outcome.data_source) CHECK(write_data_source(lab, *outcome.data_source));
    if (outcome.drops_data_source)
        CHECK(Statement(database_, "DELETE FROM data_sources WHERE lab = ?", lab).run());
    return transaction.commit();
}

Result<void> State::fail_step(std::int64_t id, std::string_view lab, const Error& error, bool not_made) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "UPDATE journal SET finished = ?, outcome = ?, error = ? WHERE id = ?",
                    now_seconds(), to_string(error.code), error.text(), id)
              .run());
    if (not_made)
        CHECK(Statement(database_, "DELETE FROM data_sources WHERE lab = ? AND remote_id = ''", lab).run());
    return transaction.commit();
}

Result<std::vector<InterruptedStep>> State::take_interrupted() {
    std::vector<InterruptedStep> interrupted;
    Statement row(database_, "SELECT lab, step FROM journal WHERE finished = 0 ORDER BY id");
    while (row.next())
        interrupted.push_back({row.text(0), row.text(1)});
    if (interrupted.empty()) return interrupted;
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "UPDATE journal SET finished = ?, outcome = 'interrupted' WHERE finished = 0",
                    now_seconds())
              .run());
    CHECK(
        Statement(database_, "UPDATE runai_objects SET since = ? WHERE remote_id = ''", now_seconds()).run());
    CHECK(transaction.commit());
    return interrupted;
}

}  // namespace stowage::controller
