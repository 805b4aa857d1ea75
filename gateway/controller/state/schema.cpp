// Migrations by user_version. One that was released is never edited: add the next.
// Runs in: controller.
#include "gateway/controller/state/schema.hpp"

#include <fmt/format.h>

#include <array>

#include "gateway/base/state_schema.hpp"

namespace stowage::controller {

namespace {

constexpr std::array migrations = {
    R"sql(
    -- A uid stays here, bound to its lab's name, for as long as files of it may exist: also after the lab was
    -- deleted with its data kept.
    CREATE TABLE uids_used(
        uid INTEGER PRIMARY KEY,
        lab TEXT NOT NULL UNIQUE,
        since INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE labs(
        name TEXT PRIMARY KEY,
        uid INTEGER NOT NULL UNIQUE REFERENCES uids_used(uid),
        export_id INTEGER NOT NULL UNIQUE CHECK(export_id BETWEEN 1 AND 65535),
        fsid TEXT NOT NULL UNIQUE CHECK(length(fsid) = 32),
        quota_bytes INTEGER NOT NULL CHECK(quota_bytes >= 0),
        quota_inodes INTEGER NOT NULL CHECK(quota_inodes >= 0),
        clients TEXT NOT NULL,
        phase INTEGER NOT NULL CHECK(phase BETWEEN 0 AND 2),
        directory INTEGER NOT NULL CHECK(directory BETWEEN 0 AND 2),
        created_at INTEGER NOT NULL,
        state INTEGER NOT NULL,
        why TEXT NOT NULL,
        since INTEGER NOT NULL,
        verified_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE accounts(
        user TEXT PRIMARY KEY,
        lab TEXT NOT NULL REFERENCES labs(name),
        phase INTEGER NOT NULL CHECK(phase BETWEEN 0 AND 2),
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE data_sources(
        lab TEXT PRIMARY KEY REFERENCES labs(name) ON DELETE CASCADE,
        remote_id TEXT NOT NULL,
        made INTEGER NOT NULL,
        name TEXT NOT NULL,
        department_id TEXT NOT NULL,
        server TEXT NOT NULL,
        path TEXT NOT NULL,
        mount_path TEXT NOT NULL,
        read_only INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checks(
        lab TEXT NOT NULL REFERENCES labs(name) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        ok INTEGER NOT NULL,
        ms INTEGER NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY(lab, position)
    ) STRICT, WITHOUT ROWID;
    -- Outlives its labs: it tells what was done. outcome '' is a step that was begun and not ended.
    CREATE TABLE journal(
        id INTEGER PRIMARY KEY,
        lab TEXT NOT NULL,
        step TEXT NOT NULL,
        started INTEGER NOT NULL,
        finished INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        error TEXT NOT NULL
    ) STRICT;
    CREATE INDEX journal_unfinished ON journal(lab) WHERE finished = 0;
    )sql",
    // '' is what the configuration says.
    R"sql(
    ALTER TABLE labs ADD COLUMN durability TEXT NOT NULL DEFAULT '' CHECK(durability IN ('', 'full', 'none'));
    ALTER TABLE labs ADD COLUMN data_tls_resumption TEXT NOT NULL DEFAULT ''
        CHECK(data_tls_resumption IN ('', 'required', 'optional'));
    )sql",
    R"sql(
    ALTER TABLE labs ADD COLUMN client_cas TEXT NOT NULL DEFAULT '';
    )sql",
    // The uid and the Export_Id that were given last, also when their lab is gone.
    R"sql(
    CREATE TABLE last_given(
        series TEXT PRIMARY KEY,
        number INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO last_given SELECT 'uid', max(uid) FROM uids_used HAVING max(uid) IS NOT NULL;
    INSERT INTO last_given SELECT 'export_id', max(export_id) FROM labs HAVING max(export_id) IS NOT NULL;
    )sql",
    // A project id goes with the uid: files that are kept bear both.
    R"sql(
    ALTER TABLE uids_used ADD COLUMN project_id INTEGER NOT NULL DEFAULT 0;
    CREATE UNIQUE INDEX projects_used ON uids_used(project_id) WHERE project_id <> 0;
    ALTER TABLE labs ADD COLUMN right_wanted TEXT NOT NULL DEFAULT '';
    ALTER TABLE labs ADD COLUMN right_boot TEXT NOT NULL DEFAULT '';
    ALTER TABLE labs ADD COLUMN right_backend INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE labs ADD COLUMN quota_warned INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE drift(
        lab TEXT NOT NULL REFERENCES labs(name) ON DELETE CASCADE,
        what TEXT NOT NULL,
        was TEXT NOT NULL,
        should_be TEXT NOT NULL,
        found_at INTEGER NOT NULL,
        outcome INTEGER NOT NULL CHECK(outcome BETWEEN 0 AND 3),
        PRIMARY KEY(lab, what)
    ) STRICT, WITHOUT ROWID;
    )sql",
    // remote_id '' is an intent.
    R"sql(
    CREATE TABLE runai_objects(
        kind INTEGER NOT NULL,
        key TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        made INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY(kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE applied_site(
        one INTEGER PRIMARY KEY CHECK(one = 1),
        body TEXT NOT NULL
    ) STRICT;
    )sql",
    // '' is a data source of the department.
    R"sql(
    ALTER TABLE labs ADD COLUMN data_source_project TEXT NOT NULL DEFAULT '';
    ALTER TABLE data_sources ADD COLUMN project_id TEXT NOT NULL DEFAULT '';
    )sql",
    // The id that the mark of the labs' filesystem bears.
    R"sql(
    CREATE TABLE labs_root(
        one INTEGER PRIMARY KEY CHECK(one = 1),
        id TEXT NOT NULL CHECK(length(id) = 32),
        known INTEGER NOT NULL
    ) STRICT;
    INSERT INTO labs_root VALUES(1, lower(hex(randomblob(16))), 0);
    )sql",
};
static_assert(migrations.size() == newest_state_schema);

std::int64_t pragma(sqlite::Database& database, std::string_view name) {
    sqlite::Statement statement(database, fmt::format("PRAGMA {}", name));
    return statement.next() ? statement.integer(0) : 0;
}

/// A file that was never ours has tables, yet not our application_id.
Result<void> check_identity(sqlite::Database& database, std::int64_t version) {
    sqlite::Statement tables(database, "SELECT count(*) FROM sqlite_schema");
    const bool empty = !tables.next() || tables.integer(0) == 0;
    if (!empty && pragma(database, "application_id") != state_application_id)
        return Error{Code::config, fmt::format("{} is a database of another program", database.path()),
                     "move it away, or set state_dir to another folder"};
    if (version > newest_schema())
        return Error{
            Code::config,
            fmt::format("the state database {} was written by a newer stowage (schema {}, this one knows {})",
                        database.path(), version, newest_schema()),
            "install that version again, or put back a backup of the database"};
    return {};
}

Result<void> check_content(sqlite::Database& database) {
    sqlite::Statement statement(database, "PRAGMA quick_check(1)");
    if (statement.next() && statement.text(0) == "ok") return {};
    return Error{
        Code::config, fmt::format("the state database {} is damaged: {}", database.path(), statement.text(0)),
        "stop the gateway, move the file away and put a backup in its place; the labs' data is not in it"};
}

Result<void> migrate(sqlite::Database& database, int to) {
    TRY(auto transaction, sqlite::Transaction::begin(database));
    CHECK(database.execute(migrations[static_cast<std::size_t>(to) - 1]));
    CHECK(database.execute(fmt::format("PRAGMA user_version = {}", to)));
    CHECK(database.execute(fmt::format("PRAGMA application_id = {}", state_application_id)));
    return transaction.commit();
}

}  // namespace

int newest_schema() {
    return static_cast<int>(migrations.size());
}

Result<void> prepare_schema(sqlite::Database& database) {
    CHECK(check_content(database));
    const auto version = pragma(database, "user_version");
    CHECK(check_identity(database, version));
    for (int to = static_cast<int>(version) + 1; to <= newest_schema(); ++to)
        CHECK(migrate(database, to));
    return {};
}

}  // namespace stowage::controller
