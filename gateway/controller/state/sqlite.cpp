// The thin layer over the C interface.
// Runs in: controller.
#include "gateway/controller/state/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace stowage::controller::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;

Error broken(std::string_view path, std::string_view why) {
    return {
        Code::config, fmt::format("the state database {} is damaged: {}", path, why),
        "stop the gateway, move the file away and put a backup in its place; the labs' data is not in it"};
}

}  // namespace

Failure failure_of(sqlite3* database, int result, std::string_view path) {
    const std::string why = database ? sqlite3_errmsg(database) : sqlite3_errstr(result);
    switch (result & 0xff) {
        case SQLITE_FULL:
            return {{Code::no_space, fmt::format("the state database {} cannot grow: {}", path, why),
                     "make room on its filesystem and try again; nothing was changed"}};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return {
                {Code::denied, fmt::format("the state database {} cannot be written: {}", path, why),
                 "make the file and its folder writable for the gateway's user (process.controller_user), "
                 "on a filesystem that is not read-only"}};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {{Code::unavailable, fmt::format("the state database {} is locked: {}", path, why),
                     "end the program that keeps it open, such as a sqlite3 shell"}};
        case SQLITE_CONSTRAINT:
            return {{Code::exists, fmt::format("the state database {} refused a row: {}", path, why)}};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {broken(path, why), true};
        case SQLITE_IOERR:
            return {{Code::io, fmt::format("the state database {} cannot be read or written: {}", path, why),
                     "look at the disk (dmesg), then start the gateway again"},
                    true};
        default:
            return {{Code::internal, fmt::format("SQLite on {}: {}", path, why)}, true};
    }
}

namespace {

Error refused_or_throw(const Database& database, int result) {
    auto failure = failure_of(database.get(), result, database.path());
    if (failure.lost) throw Fatal(std::move(failure.error));
    return std::move(failure.error);
}

}  // namespace

void Database::Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(
        path.c_str(), &raw,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<sqlite3, Close> handle(raw);
    if (opened != SQLITE_OK) return failure_of(raw, opened, path).error;
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, busy_timeout_ms);
    return Database(std::move(handle), path);
}

Result<void> Database::execute(std::string_view sql) {
    const int done = sqlite3_exec(get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (done != SQLITE_OK) return refused_or_throw(*this, done);
    return {};
}

Result<std::string> Database::snapshot() const {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE, nullptr);
    const std::unique_ptr<sqlite3, Close> copy(raw);
    if (opened != SQLITE_OK) return failure_of(raw, opened, ":memory:").error;
    auto* backup = sqlite3_backup_init(copy.get(), "main", get(), "main");
    if (!backup) return failure_of(copy.get(), sqlite3_errcode(copy.get()), path_).error;
    sqlite3_backup_step(backup, -1);
    if (const int done = sqlite3_backup_finish(backup); done != SQLITE_OK)
        return failure_of(copy.get(), done, path_).error;
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(
        sqlite3_serialize(copy.get(), "main", &size, 0), sqlite3_free);
    if (!bytes) return Error{Code::internal, "SQLite could not make the copy of " + path_};
    return std::string(reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement::Statement(const Database& database, std::string_view sql) : database_(database) {
    sqlite3_stmt* raw = nullptr;
    const int prepared =
        sqlite3_prepare_v2(database.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
    handle_.reset(raw);
    if (prepared != SQLITE_OK) throw Fatal(failure_of(database.get(), prepared, database.path()).error);
}

void Statement::bind(int index, std::int64_t value) {
    if (sqlite3_bind_int64(handle_.get(), index, value) != SQLITE_OK)
        throw Fatal({Code::internal, "SQLite: a statement has fewer places than values"});
}

void Statement::bind(int index, std::string_view value) {
    const auto* data = value.data() ? value.data() : "";
    if (sqlite3_bind_text64(handle_.get(), index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
        SQLITE_OK)
        throw Fatal({Code::internal, "SQLite: a statement has fewer places than values"});
}

Result<bool> Statement::step() {
    const int done = sqlite3_step(handle_.get());
    if (done == SQLITE_ROW) return true;
    if (done == SQLITE_DONE) return false;
    return refused_or_throw(database_, done);
}

Result<void> Statement::run() {
    for (;;) {
        TRY(const bool row, step());
        if (!row) return {};
    }
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)))
                 : std::string();
}

Result<Transaction> Transaction::begin(Database& database) {
    CHECK(database.execute("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Transaction::~Transaction() {
    // Rolling back what SQLite has rolled back by itself (disk full) is refused: nothing to do about it.
    if (database_) sqlite3_exec(database_->get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
    CHECK(database_->execute("COMMIT"));
    database_ = nullptr;
    return {};
}

}  // namespace stowage::controller::sqlite
