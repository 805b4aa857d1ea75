// Replies keep their shape whatever text they are given.
#include "ftps/protocol/reply.hpp"

#include <gtest/gtest.h>

namespace stowage::ftps {
namespace {

using namespace std::string_literals;

TEST(Reply, OneLine) {
    EXPECT_EQ(reply(226, "done"), "226 done\r\n");
}

// Taken out (the text is one line): this fails.
TEST(Reply, LineEndsMakeLinesOfTheSameReply) {
    EXPECT_EQ(reply(230, "hello\nmind the gap\r\n"), "230-hello\r\n230 mind the gap\r\n");
    EXPECT_EQ(reply(550, "a\r\n226 forged\r\nb"), "550-a\r\n550-226 forged\r\n550 b\r\n");
    EXPECT_EQ(reply(220, ""), "220 \r\n");
}

// Taken out (append_safe() escapes nothing): this fails, and so does the next but one.
TEST(Reply, EscapesControlBytes) {
    EXPECT_EQ(reply(550, "a\rb\0c\x1b[31m\x7f"s), "550 a\\x0db\\x00c\\x1b[31m\\x7f\r\n");
}

TEST(Reply, KeepsOtherBytesAndDoublesIac) {
    EXPECT_EQ(reply(257, "\"\xc3\xa4\\\xff\""), "257 \"\xc3\xa4\\\xff\xff\"\r\n");
}

// Taken out one by one (append_name() replaces nothing, append_safe() escapes nothing): each fails.
TEST(ReplyLines, IndentsAndNeverForges) {
    EXPECT_EQ(reply_lines(211, "Features:", {"UTF8", "x\r\n211 End"}, "End"),
              "211-Features:\r\n UTF8\r\n x??211 End\r\n211 End\r\n");
    EXPECT_EQ(reply_lines(211, "a\nb", {}, "c\n211 d"), "211-a\\x0ab\r\n211 c\\x0a211 d\r\n");
}

// Taken out one by one (append_name() replaces nothing, or all control bytes): each fails.
TEST(ReplyWithName, KeepsEveryByteThatDoesNotEndTheLine) {
    EXPECT_EQ(reply_with_name(257, "\"/\t\x1b\x7f\\ \""), "257 \"/\t\x1b\x7f\\ \"\r\n");
    EXPECT_EQ(reply_with_name(257, "a\r\n226 forged\0b"s), "257 a??226 forged?b\r\n");
    EXPECT_EQ(reply_with_name(257, "\xff"), "257 \xff\xff\r\n");
}

// Taken out (not_found is 450): this fails.
TEST(ReplyCode, TellsQuotaFromPermission) {
    EXPECT_EQ(reply_code(Code::over_quota), 552);
    EXPECT_EQ(reply_code(Code::no_space), 552);
    EXPECT_EQ(reply_code(Code::denied), 550);
    EXPECT_EQ(reply_code(Code::not_found), 550);
    EXPECT_EQ(reply_code(Code::unavailable), 450);
    EXPECT_EQ(reply_code(Code::io), 451);
}

}  // namespace
}  // namespace stowage::ftps
