// Log lines cannot be forged.
#include "gateway/base/log.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/journal.hpp"

namespace stowage::log {
namespace {

TEST(Log, EscapesWhatCouldForgeALine) {
    testing::internal::CaptureStderr();
    start("unit", Level::info);
    info("event", {{"name", "a\n<3>process=x \"q\" \\ \x1b[31m\xff"},
                   {"plain", "lab-1"},
                   {"empty", ""},
                   {"number", 7}});
    const auto line = testing::internal::GetCapturedStderr();
    EXPECT_EQ(line,
              "<6>process=unit event=event name=\"a\\x0a<3>process=x \\\"q\\\" \\\\ \\x1b[31m\\xff\" "
              "plain=lab-1 empty=\"\" number=7\n");
}

TEST(Log, LevelsBelowTheThresholdAreSilent) {
    testing::internal::CaptureStderr();
    start("unit", Level::warning);
    info("event", {});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Log, JournalEntriesHaveTheFieldsAndCannotBeForgedEither) {
    const auto entry = journal_entry(Level::notice, "front", "login", "process=front event=login",
                                     {{"lab", "lab1"}, {"user", "a\nPRIORITY=0"}, {"ms", 7}});
    EXPECT_EQ(
        entry,
        "PRIORITY=5\nSYSLOG_IDENTIFIER=stowage\nMESSAGE=process=front event=login\nSTOWAGE_PROCESS=front\n"
        "STOWAGE_EVENT=login\nSTOWAGE_LAB=lab1\nSTOWAGE_USER=a\\x0aPRIORITY=0\nSTOWAGE_MS=7\n");
}

// What children say goes through the supervisor: `journalctl STOWAGE_LAB=lab1` finds it all the same.
TEST(Journal, ALineOfAnotherProcessKeepsItsFields) {
    const auto entry = journal_entry_of(
        "<6>process=worker:lab1 event=transfer lab=lab1 path=\"/a b\\\"\\\\x\\x0a\" sha256=\"\" bytes=7");
    ASSERT_TRUE(entry);
    EXPECT_EQ(*entry,
              "PRIORITY=6\nSYSLOG_IDENTIFIER=stowage\n"
              "MESSAGE=process=worker:lab1 event=transfer lab=lab1 path=\"/a b\\\"\\\\x\\x0a\" sha256=\"\" "
              "bytes=7\n"
              "STOWAGE_PROCESS=worker:lab1\nSTOWAGE_EVENT=transfer\nSTOWAGE_LAB=lab1\n"
              "STOWAGE_PATH=/a b\"\\\\x\\x0a\nSTOWAGE_SHA256=\nSTOWAGE_BYTES=7\n");
    for (const auto* none :
         {"", "<6>", "6>process=a", "<9>process=a", "<6>process", "<6>process=a  event=b",
          "<6>process=a path=\"open", "<6>process=a path=\"x\"y=1", "<6>PATH=1", "<6>a=1\nb=2"})
        EXPECT_FALSE(journal_entry_of(none)) << none;
}

/// Standard error is the journal's for as long as this lives, as far as JOURNAL_STREAM says.
class JournalStream {
  public:
    JournalStream() {
        struct stat info {};
        ::fstat(STDERR_FILENO, &info);
        ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", info.st_dev, info.st_ino).c_str(), 1);
    }
    ~JournalStream() { ::unsetenv("JOURNAL_STREAM"); }
};

TEST(Log, GoesToTheJournalOnlyWhereStandardErrorDoes) {
    char folder[] = "/tmp/stowage-log-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const auto path = std::string(folder) + "/socket";
    const Fd journald(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(journald.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

    EXPECT_FALSE(connect_to_journal(path.c_str())) << "nobody said that it is the journal";
    ::setenv("JOURNAL_STREAM", "1:2", 1);
    EXPECT_FALSE(connect_to_journal(path.c_str())) << "it was redirected since";
    const JournalStream stream;
    const auto socket = connect_to_journal(path.c_str());
    ASSERT_TRUE(socket);
    EXPECT_TRUE(send_to_journal(socket, "MESSAGE=hello\n"));
    char got[64] = {};
    EXPECT_EQ(::read(journald.get(), got, sizeof got), 14);
    EXPECT_STREQ(got, "MESSAGE=hello\n");
    EXPECT_FALSE(connect_to_journal((path + "2").c_str())) << "there is no journald";
    ::unlink(path.c_str());
    ::rmdir(folder);
}

}  // namespace
}  // namespace stowage::log
