// What a client may send on a control connection, and what a command reader makes of it.
#include "ftps/protocol/command_line.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ftps/protocol/ascii_case.hpp"

namespace stowage::ftps {
namespace {

using namespace std::string_literals;
using NeedMore = CommandReader::NeedMore;
using BadLine = CommandReader::BadLine;

// "VERB|argument" or "!reason" for each line until NeedMore.
std::vector<std::string> drain(CommandReader& reader) {
    std::vector<std::string> lines;
    for (;;) {
        const auto next = reader.next();
        if (std::holds_alternative<NeedMore>(next)) return lines;
        if (const auto* bad = std::get_if<BadLine>(&next))
            lines.push_back("!" + bad->reason);
        else
            lines.push_back(std::get<Command>(next).verb + "|" + std::get<Command>(next).argument);
    }
}

std::vector<std::string> lines_of(std::string_view bytes) {
    CommandReader reader;
    reader.feed(bytes);
    return drain(reader);
}

using Lines = std::vector<std::string>;

TEST(CommandReader, UppercasesVerbsAndKeepsArguments) {
    EXPECT_EQ(lines_of("user alice\r\nPwD\r\nXSHA256 a\r\n"), (Lines{"USER|alice", "PWD|", "XSHA256|a"}));
}

// Taken out (blanks at the end go): this fails.
TEST(CommandReader, KeepsEveryByteOfAnArgument) {
    EXPECT_EQ(lines_of("STOR  two  blanks  \r\n"), (Lines{"STOR| two  blanks  "}));
    EXPECT_EQ(lines_of("STOR \xc3\xa4[\\]*\t\x7f\r\n"), (Lines{"STOR|\xc3\xa4[\\]*\t\x7f"}));
    EXPECT_EQ(lines_of("PASS \r\n"), (Lines{"PASS|"}));
}

// Taken out (CR LF only): this fails.
TEST(CommandReader, AcceptsBareLineFeed) {
    EXPECT_EQ(lines_of("NOOP\nPWD\n"), (Lines{"NOOP|", "PWD|"}));
}

// Taken out (bytes above 0x7f are letters): this fails.
TEST(CommandReader, RefusesWhatIsNoVerb) {
    for (const auto* line : {"\n", "\r\n", " NOOP\r\n", "AB\r\n", "TOOLONGVERB x\r\n", "1ABC\r\n",
                             "USER\talice\r\n", "\xd5\x53\x45\x52 x\r\n", "us\xe9r x\r\n", "A-B x\r\n"})
        EXPECT_EQ(lines_of(line), (Lines{"!not a command"})) << line;
}

// Taken out one by one (the look for NUL, for CR): each fails.
TEST(CommandReader, RefusesNulAndBareCarriageReturn) {
    EXPECT_EQ(lines_of("DELE a\0b\r\nNOOP\r\n"s), (Lines{"!NUL in a command line", "NOOP|"}));
    EXPECT_EQ(lines_of("DELE a\rDELE b\r\nNOOP\r\n"), (Lines{"!bare CR in a command line", "NOOP|"}));
    EXPECT_EQ(lines_of("NOOP\r\r\n"), (Lines{"!bare CR in a command line"}));
}

TEST(CommandReader, LineFeedFirstIsOneBadLine) {
    EXPECT_EQ(lines_of("\nUSER a\r\n"), (Lines{"!not a command", "USER|a"}));
}

// Taken out (the end of a long line is read as a command): this fails.
TEST(CommandReader, HugeLineIsOneBadLine) {
    for (const std::size_t chunk :
         {std::size_t{1}, std::size_t{1000}, std::size_t{8192}, std::size_t{200000}}) {
        const auto bytes = "STOR " + std::string(100 * 1024, 'x') + " DELE x\r\nNOOP\r\n";
        CommandReader reader;
        Lines lines;
        for (std::size_t i = 0; i < bytes.size(); i += chunk) {
            reader.feed(std::string_view(bytes).substr(i, chunk));
            for (auto& line : drain(reader))
                lines.push_back(line);
        }
        EXPECT_EQ(lines, (Lines{"!line too long", "NOOP|"})) << chunk;
        EXPECT_FALSE(reader.has_buffered());
    }
}

// Taken out (one byte fewer): this fails.
TEST(CommandReader, LongestLineFits) {
    const auto argument = std::string(CommandReader::max_line_bytes - 5, 'x');
    EXPECT_EQ(lines_of("STOR " + argument + "\r\n"), (Lines{"STOR|" + argument}));
    EXPECT_EQ(lines_of("STOR " + argument + "y\r\n"), (Lines{"!line too long"}));
}

// Taken out (a long line is discarded as it comes): this fails.
TEST(CommandReader, ForgetsALongLineWhileItArrives) {
    CommandReader reader;
    for (int i = 0; i < 100; ++i) {
        reader.feed(std::string(8192, 'x'));
        EXPECT_TRUE(drain(reader).empty());
    }
    EXPECT_TRUE(reader.has_buffered());
    EXPECT_LE(reader.take_buffered().size(), CommandReader::max_line_bytes + 1);
}

// Taken out (IAC is a byte as any other): this fails.
TEST(CommandReader, RemovesTelnetCommands) {
    EXPECT_EQ(lines_of("\xff\xf4\xff\xf2"
                       "ABOR\r\n"),
              (Lines{"ABOR|"}));
    // A Synch whose DM went another way, as TCP's urgent byte.
    EXPECT_EQ(lines_of("\xff\xf4\xff"
                       "ABOR\r\n"),
              (Lines{"ABOR|"}));
    EXPECT_EQ(lines_of("NO\xff\xfb\x01OP\xff\xfd\r\r\n"), (Lines{"NOOP|"}));
    EXPECT_EQ(lines_of("STOR a\xff\xff"
                       "b\r\n"),
              (Lines{"STOR|a\xff"
                     "b"}));
    EXPECT_EQ(lines_of("STOR a\xff"
                       "b\xff\r\n"),
              (Lines{"STOR|a\xff"
                     "b\xff"}));
}

// Taken out (each feed() begins outside a Telnet command): this fails.
TEST(CommandReader, SplitAnywhereIsTheSame) {
    const auto bytes =
        "user a\r\n\xff\xf4\xff\xfb\x01PASS  b c \r\n\r\nDELE x\ry\r\nSTOR \xff\xff\xc3\xa4\xffz\r\nNOOP\n"s;
    const auto whole = lines_of(bytes);
    ASSERT_EQ(whole.size(), 6u);
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        CommandReader reader;
        reader.feed(std::string_view(bytes).substr(0, split));
        auto lines = drain(reader);
        reader.feed(std::string_view(bytes).substr(split));
        for (auto& line : drain(reader))
            lines.push_back(line);
        EXPECT_EQ(lines, whole) << split;
    }
}

TEST(CommandReader, SeesBytesBehindACommand) {
    CommandReader reader;
    reader.feed("AUTH TLS\r\nUSER x\r\n");
    (void)reader.next();
    EXPECT_TRUE(reader.has_buffered());
    CommandReader partial;
    partial.feed("AUTH TLS\r\n\xff");
    (void)partial.next();
    EXPECT_TRUE(partial.has_buffered());
    CommandReader clean;
    clean.feed("AUTH TLS\r\n");
    (void)clean.next();
    EXPECT_FALSE(clean.has_buffered());
}

// Taken out (0xff is not doubled again): this fails.
TEST(CommandReader, BufferedBytesMoveToAnotherReader) {
    const auto bytes =
        "PASS x\r\nSTOR a\xff\xff\xff\xff"
        "b\r\nNOOP\r\n\xff\xfb"s;
    CommandReader front, worker;
    front.feed(bytes);
    (void)front.next();
    worker.feed(front.take_buffered());
    EXPECT_FALSE(front.has_buffered());
    EXPECT_EQ(drain(worker), (Lines{"STOR|a\xff\xff"
                                    "b",
                                    "NOOP|"}));
    worker.feed("\x01PWD\r\n");
    EXPECT_EQ(drain(worker), (Lines{"PWD|"}));
}

TEST(Letters, OfAsciiHaveTwoCasesAndOtherBytesStay) {
    EXPECT_EQ(upper("sHa-256@[`{ \xc3\xa4"), "SHA-256@[`{ \xc3\xa4");
    EXPECT_EQ(lower("Sto-9@[`{.Example \xc3\x84"), "sto-9@[`{.example \xc3\x84");
}

}  // namespace
}  // namespace stowage::ftps
