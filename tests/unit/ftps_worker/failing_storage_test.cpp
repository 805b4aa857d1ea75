// What is not whole is not taken for the whole, and what is in place is not said to have failed.
// Runs in: tests only.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "ftps/worker/commit_directory.hpp"
#include "ftps/worker/listing.hpp"
#include "ftps/worker/merge_record.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "ftps/worker/tree_copy.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "tests/unit/ftps_worker/failing_storage.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class FailingStorageTest : public testing::Test {
  protected:
    fs::path lab() const { return folder.lab; }
    std::string read(const std::string& path) const { return folder.read("lab/" + path); }
    void write(const fs::path& path, const std::string& bytes) const { folder.write(path, bytes); }
    Result<TreeCopied> copy() {
        Transfer progress;
        progress.begin({"CPTO", "/from"}, false);
        return copy_tree({files, partials, hashes, "alice", Durability::none}, "/from", "/to", progress);
    }
    Result<void> publish(const std::string& target, Durability durability, const std::string& name) {
        LedgerShare share(files.ledger());
        auto stage = or_throw(UnpackStage::make(files));
        for (const auto& entry : fs::directory_iterator(lab() / ".stowage/partials"))
            write(entry.path() / "tree" / name, "new");
        return stage.publish(files, partials, target, durability, aborted, share);
    }
    Result<void> list_all() {
        ListRequest request;
        request.path = "/";
        request.recursive = true;
        return list(LabView(files, partials), request, [](std::string_view) { return true; });
    }

    Folder folder;
    LabFiles files{folder.root(), ""};
    Partials partials{files};
    HashAttribute hashes{{}};
    std::atomic<bool> aborted{false};
};

// An error of readdir(3) was the end of the directory: 250, and what lay behind it was not copied.
TEST_F(FailingStorageTest, ACopyOfWhichNamesCouldNotBeReadFails) {
    write(lab() / "from/sub/a", "1");
    const FailingStorage storage("/from/sub", {.readdir = 1});
    const auto copied = copy();
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::io);
    EXPECT_EQ(storage.left().readdir, 0);
    EXPECT_FALSE(fs::exists(lab() / "to"));
}

// Every error of fstatat(2) was "removed since".
TEST_F(FailingStorageTest, ACopyOfAFileThatCannotBeLookedAtFails) {
    write(lab() / "from/sub/a", "1");
    const FailingStorage storage("a", {.fstatat = 1});
    const auto copied = copy();
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Code::io);
    EXPECT_FALSE(fs::exists(lab() / "to"));
}

// 250, and what had not been moved was deleted with the stage.
TEST_F(FailingStorageTest, AMergeOfWhichNamesCouldNotBeReadIsTakenBack) {
    write(lab() / "data/d/old", "old");
    const FailingStorage storage("/tree/d", {.readdir = 1});
    const auto merged = publish("/data", Durability::none, "d/new");
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, Code::io);
    EXPECT_EQ(storage.left().readdir, 0);
    EXPECT_FALSE(fs::exists(lab() / "data/d/new"));
    EXPECT_EQ(read("data/d/old"), "old");
}

// It was taken for empty, and deleted with the files that pods may want back.
TEST_F(FailingStorageTest, WhatWasReplacedAndCannotBeReadIsKept) {
    ASSERT_TRUE(files.open_staging());
    const auto own = lab() / ".stowage/partials/unpack.1.1";
    fs::create_directories(own / "tree");
    write(own / "replaced/a", "old");
    fs::create_directory(lab() / "data");
    {
        const Fd place(::open(own.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            into(::open((lab() / "data").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(put_merge_record(place.get(), "/data", *which_directory(into.get()), false));
        keep_merge_record(place.get());
    }
    const FailingStorage storage("/replaced", {.readdir = 1});
    (void)UnpackStage::remove_leftovers(files, partials);
    EXPECT_EQ(storage.left().readdir, 0);
    EXPECT_EQ(read("not-restored.1/a"), "old");
}

// It went round and round for five thousand times, and was "somebody goes on filling it".
TEST_F(FailingStorageTest, ATreeThatCannotBeReadIsNotSaidToBeFilled) {
    write(lab() / "tree/d/a", "1");
    const Fd top(::open(lab().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const auto* place : {"/tree", "/tree/d"}) {
        const FailingStorage storage(place, {.readdir = 1'000'000});
        const auto removed = remove_tree(top.get(), "tree");
        ASSERT_FALSE(removed);
        EXPECT_EQ(removed.error().code, Code::io);
    }
    EXPECT_TRUE(remove_tree(top.get(), "tree"));
}

// Any error below the first directory was left out, and the listing was whole by its 226.
TEST_F(FailingStorageTest, AListingOfWhichADirectoryCouldNotBeReadSaysSo) {
    write(lab() / "d/a", "1");
    EXPECT_TRUE(list_all());
    const FailingStorage storage("/d", {.readdir = 1});
    const auto listed = list_all();
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, Code::io);
    EXPECT_NE(listed.error().what.find("/d"), std::string::npos) << listed.error().what;
}

namespace {

void expect_not_safe(const Error& error) {
    EXPECT_EQ(error.code, Code::io);
    EXPECT_NE(error.text().find("is in its place, but may not survive"), std::string::npos) << error.text();
    EXPECT_NE(error.text().find("do not repeat"), std::string::npos) << error.text();
}

}  // namespace

// "I/O error", as if nothing had been published.
TEST_F(FailingStorageTest, AnUploadWhoseNameIsNotSafeIsSaidToBeThere) {
    for (const bool names_go_with_files : {false, true}) {
        write(lab() / "set", "old");
        Partials own(files, names_go_with_files);
        auto claim = or_throw(own.claim("/set", "alice"));
        const auto file = or_throw(own.open(claim, {}));
        const FailingStorage storage(names_go_with_files ? "/set" : "/lab", {.fsync = 1});
        const auto published = own.publish(claim, file, Durability::full);
        ASSERT_FALSE(published);
        expect_not_safe(published.error());
        EXPECT_EQ(read("set"), "");
    }
}

// A client that tried again exchanged them back.
TEST_F(FailingStorageTest, ACommitThatIsNotSafeIsSaidToBeDone) {
    write(lab() / "in/next/a", "new");
    write(lab() / "data/a", "old");
    const FailingStorage storage("/lab", {.fsync = 1});
    const auto done = commit_directory(files, partials, "/in/next", "/data", Durability::full);
    ASSERT_FALSE(done);
    expect_not_safe(done.error());
    EXPECT_EQ(read("data/a"), "new");
}

TEST_F(FailingStorageTest, AnArchiveThatIsNotSafeIsSaidToBeThere) {
    {
        const FailingStorage storage("/lab", {.fsync = 1});
        const auto whole = publish("/data", Durability::full, "a");
        ASSERT_FALSE(whole);
        expect_not_safe(whole.error());
    }
    EXPECT_EQ(read("data/a"), "new");
    const FailingStorage storage("", {.syncfs = 1}, 1);
    const auto merged = publish("/data", Durability::full, "b");
    ASSERT_FALSE(merged);
    expect_not_safe(merged.error());
    EXPECT_EQ(read("data/b"), "new");
}

}  // namespace stowage::ftps
