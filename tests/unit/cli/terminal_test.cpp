// Escaping, error texts and tables.
#include "gateway/cli/terminal.hpp"

#include <gmock/gmock.h>

#include "gateway/cli/table.hpp"

namespace stowage::cli {
namespace {

TEST(Terminal, ShowsPrintableText) {
    EXPECT_EQ(shown("plain \\ text"), "plain \\ text");
    EXPECT_EQ(shown("Grün € 😀"), "Grün € 😀");
}

TEST(Terminal, EscapesControlCharacters) {
    EXPECT_EQ(shown("a\x1b[31m\n\r\t\x7f"), "a\\x1b[31m\\x0a\\x0d\\x09\\x7f");
    EXPECT_EQ(shown(std::string_view("\0", 1)), "\\x00");
    EXPECT_EQ(shown("\xc2\x9b"), "\\xc2\\x9b");           // CSI as one character
    EXPECT_EQ(shown("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
    EXPECT_EQ(shown("\xe2\x80\x8b"), "\\xe2\\x80\\x8b");  // zero width
    EXPECT_EQ(shown("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");
    EXPECT_EQ(shown("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81");  // tag characters
}

TEST(Terminal, EscapesInvalidUtf8) {
    EXPECT_EQ(shown("\xff"), "\\xff");
    EXPECT_EQ(shown("\xc3"), "\\xc3");
    EXPECT_EQ(shown("\xc0\x9b"), "\\xc0\\x9b");  // overlong
    EXPECT_EQ(shown("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
    EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
    EXPECT_EQ(shown("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    EXPECT_EQ(shown("\xc3("), "\\xc3(");
}

TEST(Terminal, CountsColumns) {
    EXPECT_EQ(width_of("Grün"), 4u);
    EXPECT_EQ(width_of(""), 0u);
}

TEST(Terminal, TellsErrorsLineByLine) {
    EXPECT_EQ(error_text({Code::io, "it broke", "mend it"}), "stowage: it broke\n  remedy: mend it\n");
    EXPECT_EQ(error_text({Code::config, "one\ntwo"}), "stowage: one\nstowage: two\n");
    EXPECT_EQ(error_text({Code::io, "\x1b", "\n"}), "stowage: \\x1b\n  remedy: \\x0a\n");
}

TEST(Terminal, AlignsTables) {
    char* text = nullptr;
    std::size_t size = 0;
    Console console;
    console.out = open_memstream(&text, &size);
    Table table({"NAME", "SIZE", "WHY"});
    table.add({{"a"}, {"1", Colour::plain, true}, {""}});
    table.add({{"bär\n"}, {"100GiB", Colour::plain, true}, {"x"}});
    table.print(console);
    std::fclose(console.out);
    EXPECT_EQ(std::string(text, size), "NAME       SIZE  WHY\na             1  -\nbär\\x0a  100GiB  x\n");
    std::free(text);
}

}  // namespace
}  // namespace stowage::cli
