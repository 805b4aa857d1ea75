// The database file: durable, locked, checked, and refused with words.
// Runs in: unit tests.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gateway/controller/state/schema.hpp"
#include "gateway/controller/state/state.hpp"
#include "temporary_directory.hpp"

namespace stowage::controller {
namespace {

using testing::HasSubstr;

constexpr UidRange range{700000, 799999};

std::string database_of(const TemporaryDirectory& directory) {
    return directory.path() + "/stowage.db";
}

void run_sql(const std::string& path, const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
}

Error refusal(const std::string& directory) {
    auto state = State::open(directory);
    return state ? Error{Code::internal, "it was opened"} : state.error();
}

/// Permissions bind root only when it is somebody else for a while.
class AsNobody {
  public:
    AsNobody() {
        if (::geteuid() == 0) changed_ = ::seteuid(65534) == 0;
    }
    ~AsNobody() {
        if (changed_ && ::seteuid(0) != 0) std::abort();
    }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

  private:
    bool changed_ = false;
};

TEST(StateFile, SnapshotIsTheStateOfThatMoment) {
    const TemporaryDirectory directory, elsewhere;
    auto state = or_throw(State::open(directory.path()));
    const auto lab = or_throw(state.add_lab("lab1", {}, range));
    const auto bytes = or_throw(state.snapshot());
    (void)or_throw(state.add_lab("lab2", {}, range));
    std::ofstream(database_of(elsewhere), std::ios::binary) << bytes;
    const auto again = or_throw(State::open(elsewhere.path()));
    ASSERT_TRUE(again.lab("lab1"));
    EXPECT_EQ(again.lab("lab1")->uid, lab.uid);
    EXPECT_EQ(again.lab("lab1")->export_id, lab.export_id);
    EXPECT_EQ(again.lab("lab1")->fsid, lab.fsid);
    EXPECT_FALSE(again.lab("lab2"));
}

TEST(StateFile, OutlivesItsProcess) {
    const TemporaryDirectory directory;
    (void)or_throw(or_throw(State::open(directory.path())).add_lab("lab1", {}, range));
    EXPECT_TRUE(or_throw(State::open(directory.path())).lab("lab1"));
}

TEST(StateFile, EachFirstLabHasAFilesystemOfItsOwnName) {
    const TemporaryDirectory directory;
    auto state = or_throw(State::open(directory.path()));
    EXPECT_FALSE(state.labs_root().known) << "a former version's marks are taken over";
    (void)or_throw(state.add_lab("lab1", {}, range));
    const auto first = state.labs_root();
    EXPECT_TRUE(first.known);
    (void)or_throw(state.add_lab("lab2", {}, range));
    EXPECT_EQ(state.labs_root().id, first.id);
    for (const auto* lab : {"lab1", "lab2"}) {
        or_throw(state.set_phase(lab, Phase::leaving_data_kept));
        or_throw(state.forget_lab(lab, false));
    }
    EXPECT_EQ(state.labs_root().id, first.id) << "what was kept can still be purged";
    (void)or_throw(state.add_lab("lab3", {}, range));
    EXPECT_NE(state.labs_root().id, first.id);
}

TEST(StateFile, RefusesASecondGateway) {
    const TemporaryDirectory directory;
    const auto first = or_throw(State::open(directory.path()));
    const auto error = refusal(directory.path());
    EXPECT_EQ(error.code, Code::in_use);
    EXPECT_THAT(error.text(), HasSubstr(directory.path()));
    EXPECT_THAT(error.text(), HasSubstr("pid " + std::to_string(::getpid())));
    EXPECT_THAT(error.remedy, HasSubstr("state_dir"));
}

TEST(StateFile, RefusesANewerSchema) {
    const TemporaryDirectory directory;
    { const auto state = or_throw(State::open(directory.path())); }
    run_sql(database_of(directory), "PRAGMA user_version = 99");
    const auto error = refusal(directory.path());
    EXPECT_EQ(error.code, Code::config);
    EXPECT_THAT(error.text(), HasSubstr("schema 99"));
}

TEST(StateFile, RefusesAnotherProgramsDatabase) {
    const TemporaryDirectory directory;
    run_sql(database_of(directory), "CREATE TABLE other(x)");
    const auto error = refusal(directory.path());
    EXPECT_EQ(error.code, Code::config);
    EXPECT_THAT(error.text(), HasSubstr("another program"));
}

TEST(StateFile, RefusesWhatIsNoDatabase) {
    const TemporaryDirectory directory;
    std::ofstream(database_of(directory)) << std::string(8192, 'x');
    const auto error = refusal(directory.path());
    EXPECT_EQ(error.code, Code::config);
    EXPECT_THAT(error.text(), HasSubstr("is damaged"));
}

TEST(StateFile, RefusesADamagedDatabase) {
    const TemporaryDirectory directory;
    {
        auto state = or_throw(State::open(directory.path()));
        for (int i = 0; i < 200; ++i)
            (void)or_throw(state.add_lab("lab" + std::to_string(i), {}, range));
    }
    run_sql(database_of(directory), "PRAGMA journal_mode = DELETE");
    {
        std::fstream file(database_of(directory), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8192);
        file << std::string(20000, '\xaa');
    }
    const auto error = refusal(directory.path());
    EXPECT_EQ(error.code, Code::config);
    EXPECT_THAT(error.text(), HasSubstr("is damaged"));
    EXPECT_THAT(error.remedy, HasSubstr("backup"));
}

TEST(StateFile, SaysThatItCannotBeWritten) {
    const TemporaryDirectory directory;
    { const auto state = or_throw(State::open(directory.path())); }
    ASSERT_EQ(::chmod(database_of(directory).c_str(), 0444), 0);
    ASSERT_EQ(::chmod((directory.path() + "/stowage.lock").c_str(), 0666), 0);
    ASSERT_EQ(::chmod(directory.path().c_str(), 0555), 0);
    Error error;
    {
        const AsNobody nobody;
        error = refusal(directory.path());
    }
    EXPECT_EQ(error.code, Code::denied) << error.text();
    EXPECT_THAT(error.text(), HasSubstr("stowage.db cannot be written"));
    ::chmod(directory.path().c_str(), 0700);
}

TEST(StateFile, SaysThatItsFolderIsMissing) {
    const auto error = refusal("/nonexistent/stowage");
    EXPECT_EQ(error.code, Code::not_found);
    EXPECT_THAT(error.text(), HasSubstr("/nonexistent/stowage"));
}

TEST(StateFile, RefusesASymbolicLink) {
    const TemporaryDirectory directory, elsewhere;
    ASSERT_EQ(::symlink(database_of(elsewhere).c_str(), database_of(directory).c_str()), 0);
    EXPECT_EQ(refusal(directory.path()).code, Code::denied);
}

/// No file of this process may grow: what a full disk looks like to SQLite.
class NoRoom {
  public:
    explicit NoRoom(rlim_t bytes) {
        previous_ = ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        const rlimit none{bytes, limit_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    ~NoRoom() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        ::signal(SIGXFSZ, previous_);
    }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;

  private:
    rlimit limit_{};
    void (*previous_)(int) = nullptr;
};

TEST(StateFile, AWriteThatTheDiskRefusesLeavesEverythingAsItWas) {
    const TemporaryDirectory directory;
    auto state = or_throw(State::open(directory.path()));
    (void)or_throw(state.add_lab("lab1", {}, range));
    bool refused = false;
    {
        const NoRoom full(16);
        try {
            refused = !state.add_lab("lab2", {}, range);
        } catch (const Fatal&) {
            refused = true;
        }
    }
    EXPECT_TRUE(refused);
    EXPECT_FALSE(state.lab("lab2"));
    EXPECT_EQ(or_throw(state.add_lab("lab2", {}, range)).uid, 700001u);
}

TEST(StateFile, TellsAFullDiskFromALostDatabase) {
    EXPECT_EQ(sqlite::failure_of(nullptr, SQLITE_FULL, "/x").error.code, Code::no_space);
    EXPECT_FALSE(sqlite::failure_of(nullptr, SQLITE_FULL, "/x").lost);
    EXPECT_FALSE(sqlite::failure_of(nullptr, SQLITE_READONLY_DBMOVED, "/x").lost);
    EXPECT_TRUE(sqlite::failure_of(nullptr, SQLITE_IOERR_FSYNC, "/x").lost);
    EXPECT_TRUE(sqlite::failure_of(nullptr, SQLITE_CORRUPT, "/x").lost);
}

}  // namespace
}  // namespace stowage::controller
