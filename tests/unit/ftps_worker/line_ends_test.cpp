// TYPE A, wherever the peer splits its records.
// Runs in: tests only.
#include "ftps/worker/line_ends.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stowage::ftps {

namespace {

std::string to_local(std::string_view wire, std::size_t first) {
    LocalLines lines;
    std::string text(lines.take(wire.substr(0, first)));
    text += lines.take(wire.substr(first));
    text += lines.rest();
    return text;
}

std::string to_network(std::string_view file, std::size_t first) {
    NetworkLines lines;
    std::string text(lines.take(file.substr(0, first)));
    text += lines.take(file.substr(first));
    return text;
}

}  // namespace

TEST(LineEnds, UploadsLoseTheReturnOfALineEndAndNoOther) {
    const std::string wire = "one\r\ntwo\rtwo\r\r\n\nthree\r";
    for (std::size_t first = 0; first <= wire.size(); ++first)
        EXPECT_EQ(to_local(wire, first), "one\ntwo\rtwo\r\n\nthree\r") << first;
    EXPECT_EQ(to_local("", 0), "");
    EXPECT_EQ(to_local("\r", 1), "\r");
    EXPECT_EQ(to_local("\r\n", 1), "\n");
}

TEST(LineEnds, DownloadsGainOneWhereThereIsNone) {
    const std::string file = "one\ntwo\r\n\rthree\n\n";
    for (std::size_t first = 0; first <= file.size(); ++first)
        EXPECT_EQ(to_network(file, first), "one\r\ntwo\r\n\rthree\r\n\r\n") << first;
}

TEST(LineEnds, TextOfUnixComesBackAsItWas) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::string file;
        for (int i = 0; i < 50; ++i)
            file += "ab\n\n"[random() % 4];
        const auto wire = to_network(file, random() % (file.size() + 1));
        EXPECT_EQ(to_local(wire, random() % (wire.size() + 1)), file);
    }
}

}  // namespace stowage::ftps
