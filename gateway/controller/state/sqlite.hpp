// SQLite with owners: a database, statements whose values are bound, transactions that roll back.
// Runs in: controller. Distrusts: the file, the disk under it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace stowage::controller::sqlite {

/// What went wrong with the database, in words for an admin. `lost`: nothing may be believed any more (I/O
/// error, corruption), as against a write that was refused (full, read-only, a rule of the schema).
struct Failure {
    Error error;
    bool lost = false;
};
Failure failure_of(sqlite3* database, int result, std::string_view path);

/// One connection.
class Database {
  public:
    /// Makes the file if it is not there. Code::config for a file that is no database or is corrupt,
    /// Code::denied when it cannot be opened or written.
    static Result<Database> open(const std::string& path);

    sqlite3* get() const { return handle_.get(); }
    const std::string& path() const { return path_; }

    /// Statements without values. A refused write is an Error; a lost database throws Fatal.
    Result<void> execute(std::string_view sql);
    /// A consistent copy as the bytes of a database file, made by SQLite's backup interface in memory.
    Result<std::string> snapshot() const;

  private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    Database(std::unique_ptr<sqlite3, Close> handle, std::string path)
        : handle_(std::move(handle)), path_(std::move(path)) {}

    std::unique_ptr<sqlite3, Close> handle_;
    std::string path_;
};

/// One prepared statement with its values bound in order.
class Statement {
  public:
    /// Throws Fatal for SQL that is wrong: that is our defect.
    Statement(const Database& database, std::string_view sql);
    template <typename... Values>
    requires(sizeof...(Values) > 0)
        Statement(const Database& database, std::string_view sql, const Values&... values)
        : Statement(database, sql) {
        int index = 0;
        (bind(++index, values), ...);
    }

    /// True while there is a row. A refused write is an Error; a lost database throws Fatal.
    Result<bool> step();
    /// For reads: the same, but every error throws.
    bool next() { return or_throw(step()); }
    /// For writes: runs to the end.
    Result<void> run();

    std::int64_t integer(int column) const;
    std::string text(int column) const;

  private:
    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view value);
    template <typename Integer>
    requires std::is_integral_v<Integer>
    void bind(int index, Integer value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
    void bind(int index, const char* value) { bind(index, std::string_view(value)); }

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    const Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Everything until commit(), or nothing.
class Transaction {
  public:
    static Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    Result<void> commit();

  private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace stowage::controller::sqlite
