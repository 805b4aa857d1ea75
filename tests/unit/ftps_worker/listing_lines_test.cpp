// Lines of LIST and MLSD.
// Runs in: tests only.
#include "ftps/worker/listing_lines.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace stowage::ftps {

namespace {

Seen seen(std::string name, mode_t mode, off_t size = 3) {
    Seen one{std::move(name), {}};
    one.stat.st_mode = mode;
    one.stat.st_size = size;
    one.stat.st_nlink = 1;
    one.stat.st_mtime = 1795467545;
    one.stat.st_dev = 0x10;
    one.stat.st_ino = 0xff;
    return one;
}

std::string list_line(const Seen& one, std::string_view owner, std::int64_t now) {
    std::string line;
    append_list_line(line, one, owner, now);
    return line;
}

std::string fact_line(const Seen& one, unsigned chosen) {
    std::string line;
    append_fact_line(line, one, chosen);
    return line;
}

}  // namespace

TEST(Listing, IsTheFormOfLs) {
    EXPECT_EQ(list_line(seen("set.bin", S_IFREG | 0660), "lab1", 1795467545),
              "-rw-rw----   1 lab1     lab1                3 Nov 23 20:59 set.bin");
    EXPECT_EQ(list_line(seen("d", S_IFDIR | 02770), "lab1", 1795467545).substr(0, 10), "drwxrws---");
    EXPECT_EQ(list_line(seen("old", S_IFREG | 0644, 123456789012345), "a-long-lab", 1995467545),
              "-rw-r--r--   1 a-long-lab a-long-lab 123456789012345 Nov 23  2026 old");
    EXPECT_EQ(list_line(seen("odd", S_IFREG | 07421), "lab1", 1795467545).substr(0, 10), "-r-S-wS--t");
    auto link = seen("l", S_IFLNK | 0777);
    link.link_target = "a\nb";
    EXPECT_TRUE(list_line(link, "lab1", 1795467545).ends_with(" l -> a?b"));
}

TEST(Listing, EscapesNewlinesInNames) {
    EXPECT_EQ(line_name("a\r\nb\tc\x1b"), "a??b\tc\x1b");
    EXPECT_EQ(line_name("caf\xc3\xa9 \xff"), "caf\xc3\xa9 \xff");
}

TEST(Listing, FactsAreRfc3659s) {
    EXPECT_EQ(fact_line(seen("a b", S_IFREG | 0660), default_facts),
              "type=file;size=3;modify=20261123205905;perm=adfrw;unique=10gff;UNIX.mode=0660; a b");
    EXPECT_EQ(fact_line(seen("d", S_IFDIR | 02770), static_cast<unsigned>(Fact::perm)), "perm=cdeflmp; d");
    EXPECT_EQ(fact_line(seen("x", S_IFIFO | 0600), static_cast<unsigned>(Fact::type)),
              "type=OS.unix=special; x");
    auto link = seen("l", S_IFLNK | 0777);
    link.link_target = "a;type=dir";
    EXPECT_EQ(fact_line(link, static_cast<unsigned>(Fact::type)), "type=OS.unix=slink; l");
    link.link_target = "plain";
    EXPECT_EQ(fact_line(link, static_cast<unsigned>(Fact::type)), "type=OS.unix=slink:plain; l");
}

TEST(Listing, FactsMayHaveTheirLongestValues) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    auto one = seen("x", S_IFREG | 07777, static_cast<off_t>(most));
    one.stat.st_mtime = std::numeric_limits<std::int64_t>::max();
    one.created = std::numeric_limits<std::int64_t>::max();
    one.stat.st_dev = one.stat.st_ino = most;
    EXPECT_EQ(facts(one, all_facts),
              "type=file;size=18446744073709551615;modify=99991231235959;create=99991231235959;perm=adfrw;"
              "unique=ffffffffffffffffgffffffffffffffff;UNIX.mode=7777;");
    one.stat.st_mode = S_IFLNK | 0777;
    one.link_target = std::string(4095, 't');
    EXPECT_EQ(facts(one, all_facts), "type=OS.unix=slink:" + one.link_target +
                                         ";modify=99991231235959;create=99991231235959;perm=df;"
                                         "unique=ffffffffffffffffgffffffffffffffff;UNIX.mode=0777;");
}

TEST(Listing, CreateIsForThoseWhoAskForIt) {
    auto dated = seen("x", S_IFREG | 0660);
    dated.created = 1577934245;
    EXPECT_EQ(facts(dated, default_facts), facts(seen("x", S_IFREG | 0660), default_facts));
    EXPECT_EQ(facts(dated, parse_facts("CREATE;")), "create=20200102030405;");
    EXPECT_EQ(facts(seen("x", S_IFREG | 0660), parse_facts("type;create;")), "type=file;");
}

// What each letter promises is tried in tests/system/worker/listing_test.cpp.
TEST(Listing, PermIsWhatTheOwnerMayDo) {
    const auto perm = [](mode_t mode, bool parent_writable) {
        auto one = seen("x", mode);
        one.parent_rights = parent_writable ? R_OK | W_OK | X_OK : R_OK | X_OK;
        return facts(one, static_cast<unsigned>(Fact::perm));
    };
    EXPECT_EQ(perm(S_IFREG | 0660, true), "perm=adfrw;");
    EXPECT_EQ(perm(S_IFREG | 0440, true), "perm=adfrw;") << "an upload renames onto it";
    EXPECT_EQ(perm(S_IFREG | 0660, false), "perm=r;");
    EXPECT_EQ(perm(S_IFREG | 0060, true), "perm=dfw;");
    EXPECT_EQ(perm(S_IFDIR | 0770, false), "perm=celmp;") << "the lab's root";
    EXPECT_EQ(perm(S_IFDIR | 0550, true), "perm=defl;");
    EXPECT_EQ(perm(S_IFDIR | 0070, true), "perm=df;");
    EXPECT_EQ(perm(S_IFLNK | 0777, true), "perm=df;");
}

TEST(Listing, ClientsChooseFacts) {
    EXPECT_EQ(fact_names(parse_facts("Size;TYPE;nonsense;unix.mode"), false), "type;size;UNIX.mode;");
    EXPECT_EQ(fact_names(parse_facts(""), true), "type;size;modify;create;perm;unique;UNIX.mode;");
    EXPECT_EQ(fact_names(parse_facts("modify;"), true), "type;size;modify*;create;perm;unique;UNIX.mode;");
}

TEST(Listing, FlagsAreNotPaths) {
    EXPECT_EQ(parse_list_argument("-al /").path, "/");
    EXPECT_EQ(parse_list_argument("-a -l").path, "");
    EXPECT_TRUE(parse_list_argument("-lR dir with blanks").recursive);
    EXPECT_EQ(parse_list_argument("-lR dir with blanks").path, "dir with blanks");
    EXPECT_EQ(parse_list_argument("-- -x").path, "-x");
    EXPECT_EQ(parse_list_argument("plain").path, "plain");
    EXPECT_EQ(parse_list_argument("-aAl1tRF").path, "");
    EXPECT_EQ(parse_list_argument("-d -- -R").path, "-R");
    EXPECT_TRUE(parse_list_argument("-ld dir").itself);
    EXPECT_FALSE(parse_list_argument("-l dir").itself);
}

TEST(Listing, NamesWithADashThatAreNoFlagsArePaths) {
    for (const auto* name : {"-", "-weird name", "-backup.tar", "-l.txt", "--long"}) {
        EXPECT_EQ(parse_list_argument(name).path, name);
        EXPECT_EQ(parse_list_argument(std::string("-al ") + name).path, name);
    }
    EXPECT_EQ(parse_list_argument("./-l").path, "./-l");
}

}  // namespace stowage::ftps
