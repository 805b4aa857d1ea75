// What we own in Run:ai besides data sources, and the site that was applied last.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr std::string_view is_intent = " AND remote_id = ''";

Result<void> write_object(const sqlite::Database& database, const OwnedObject& owned) {
    return Statement(
               database,
               "INSERT OR REPLACE INTO runai_objects(kind, key, remote_id, made, since) VALUES(?,?,?,?,?)",
               static_cast<int>(owned.kind), owned.key, owned.remote_id, owned.made, now_seconds())
        .run();
}

Result<void> drop_object(const sqlite::Database& database, const OwnedObject& owned, std::string_view where) {
    return Statement(database, fmt::format("DELETE FROM runai_objects WHERE kind = ? AND key = ?{}", where),
                     static_cast<int>(owned.kind), owned.key)
        .run();
}

}  // namespace

std::string_view to_string(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::node_pool:
            return "node pool";
        case ObjectKind::department:
            return "department";
        case ObjectKind::project:
            return "project";
        case ObjectKind::compute_resource:
            return "compute resource";
        case ObjectKind::user:
            return "user";
        case ObjectKind::access_rule:
            return "access rule";
    }
    return "unknown";
}

std::vector<OwnedObject> State::objects() const {
    std::vector<OwnedObject> all;
    Statement row(database_,
                  "SELECT kind, key, remote_id, made, since FROM runai_objects ORDER BY kind, key");
    while (row.next())
        all.push_back({static_cast<ObjectKind>(row.integer(0)), row.text(1), row.text(2), row.integer(3) != 0,
                       row.integer(4)});
    return all;
}

Result<std::int64_t> State::begin_object(const OwnedObject& intent, std::string_view step) {
    TRY(auto transaction, Transaction::begin(database_));
    if (intent.remote_id.empty()) CHECK(write_object(database_, intent));
    Statement insert(database_,
                     "INSERT INTO journal(lab, step, started, finished, outcome, error) "
                     "VALUES('',?,?,0,'','') RETURNING id",
                     step, now_seconds());
    TRY(const bool inserted, insert.step());
    const auto id = inserted ? insert.integer(0) : 0;
    CHECK(insert.run());
    CHECK(transaction.commit());
    return id;
}

Result<void> State::end_object(std::int64_t id, const OwnedObject& owned, bool gone) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "UPDATE journal SET finished = ?, outcome = 'done' WHERE id = ?",
                    now_seconds(), id)
              .run());
    CHECK(gone ? drop_object(database_, owned, "") : write_object(database_, owned));
    return transaction.commit();
}

Result<void> State::fail_object(std::int64_t id, const OwnedObject& intent, const Error& error,
                                bool not_made) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "UPDATE journal SET finished = ?, outcome = ?, error = ? WHERE id = ?",
                    now_seconds(), to_string(error.code), error.text(), id)
              .run());
    if (not_made)
        CHECK(drop_object(database_, intent, is_intent));
    else
        // Its tries took their time: the last one may have been sent just now.
        CHECK(Statement(
                  database_,
                  fmt::format("UPDATE runai_objects SET since = ? WHERE kind = ? AND key = ?{}", is_intent),
                  now_seconds(), static_cast<int>(intent.kind), intent.key)
                  .run());
    return transaction.commit();
}

Result<void> State::forget_intents(const std::vector<OwnedObject>& intents) {
    if (intents.empty()) return {};
    TRY(auto transaction, Transaction::begin(database_));
    for (const auto& intent : intents)
        CHECK(drop_object(database_, intent, is_intent));
    return transaction.commit();
}

std::string State::applied_site() const {
    Statement row(database_, "SELECT body FROM applied_site WHERE one = 1");
    return row.next() ? row.text(0) : std::string();
}

Result<void> State::set_applied_site(std::string_view text) {
    if (applied_site() == text) return {};
    return Statement(database_, "INSERT OR REPLACE INTO applied_site(one, body) VALUES(1, ?)", text).run();
}

}  // namespace stowage::controller
