// TYPE (RFC 959 §3.1.1): what becomes of line ends, and what cannot be known then.
#include <gtest/gtest.h>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

// Taken out (LocalLines forgets the CR between two records): this fails.
TEST(Types, AsciiUploadsLoseReturnsEvenBetweenTwoRecords) {
    Rig rig;
    auto alice = rig.login();
    ASSERT_EQ(alice.control->ask("TYPE A").code, 200);
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR text").code, 150);
    ASSERT_TRUE(data.handshake());
    data.write("one\r\ntwo\r");
    // Between the two, the worker has surely read and written the first.
    ASSERT_TRUE(
        comes_true([&] { return alice.control->ask("STAT").text.find(": 9 bytes") != std::string::npos; }));
    data.write("\nlone\rreturn\r");
    data.finish();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(rig.content("/text"), "one\ntwo\nlone\rreturn\r");
}

// Taken out (NetworkLines puts a CR before every LF): this fails.
TEST(Types, AsciiDownloadsGainReturns) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/text", "one\ntwo\r\nthree");
    std::string back;
    ASSERT_EQ(alice.control->ask("TYPE A N").code, 200);
    EXPECT_EQ(rig.retrieve(alice, "RETR text", back).code, 226);
    EXPECT_EQ(back, "one\r\ntwo\r\nthree");
    // Larger than any buffer on the way.
    std::string lines, wire;
    for (int i = 0; i < 200'000; ++i) {
        lines += std::to_string(i) + "\n";
        wire += std::to_string(i) + "\r\n";
    }
    rig.write_as_pod("/lines", lines);
    EXPECT_EQ(rig.retrieve(alice, "RETR lines", back).code, 226);
    EXPECT_TRUE(back == wire);
    EXPECT_EQ(rig.store(alice, "STOR lines too", wire).code, 226);
    EXPECT_TRUE(rig.content("/lines too") == lines);
}

// Taken out (no TYPE said is TYPE A): this fails.
TEST(Types, NothingIsConvertedInImageNorWhereNoTypeWasSaid) {
    Rig rig;
    const std::string bytes = "a\r\nb\nc\r";
    for (const auto* type : {"", "TYPE I", "TYPE L 8"}) {
        auto alice = rig.login();
        if (*type) {
            EXPECT_EQ(alice.control->ask(type).code, 200);
        }
        EXPECT_EQ(rig.store(alice, "STOR set", bytes).code, 226);
        EXPECT_EQ(rig.content("/set"), bytes) << type;
        std::string back;
        EXPECT_EQ(rig.retrieve(alice, "RETR set", back).code, 226);
        EXPECT_EQ(back, bytes) << type;
        EXPECT_EQ(alice.control->ask("SIZE set").text, "213 7\r\n");
    }
}

// Taken out one by one (the refusal of SIZE, refused_in_ascii()): each fails.
TEST(Types, PositionsAndSizesMeanNothingInAscii) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/text", "one\ntwo\n");
    ASSERT_EQ(alice.control->ask("TYPE A").code, 200);
    EXPECT_EQ(alice.control->ask("SIZE text").code, 550);
    EXPECT_EQ(alice.control->ask("REST 3").code, 501);
    EXPECT_EQ(alice.control->ask("REST 0").code, 350);
    // REST came first.
    ASSERT_EQ(alice.control->ask("TYPE I").code, 200);
    EXPECT_EQ(alice.control->ask("SIZE text").text, "213 8\r\n");
    ASSERT_EQ(alice.control->ask("REST 3").code, 350);
    ASSERT_EQ(alice.control->ask("TYPE A").code, 200);
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("RETR text").code, 554);
    ASSERT_EQ(alice.control->ask("TYPE I").code, 200);
    ASSERT_EQ(alice.control->ask("REST 3").code, 350);
    ASSERT_EQ(alice.control->ask("TYPE A").code, 200);
    EXPECT_EQ(alice.control->ask("STOR text").code, 554);
    EXPECT_EQ(rig.content("/text"), "one\ntwo\n");
    EXPECT_EQ(rig.store(alice, "APPE text", "three\r\n").code, 226);
    EXPECT_EQ(rig.content("/text"), "one\ntwo\nthree\n");
}

// Taken out (lines end with LF): this fails.
TEST(Types, ListingsHaveReturnsInEveryType) {
    Rig rig;
    rig.write_as_pod("/set", "x");
    for (const auto* type : {"TYPE A", "TYPE I"}) {
        auto alice = rig.login();
        ASSERT_EQ(alice.control->ask(type).code, 200);
        std::string listing;
        EXPECT_EQ(rig.retrieve(alice, "NLST", listing).code, 226);
        EXPECT_EQ(listing, "set\r\n");
    }
}

// Taken out (any TYPE is image): this fails.
TEST(Types, OthersAreRefused) {
    Rig rig;
    auto alice = rig.login();
    for (const auto* type : {"TYPE E", "TYPE A T", "TYPE A C", "TYPE L 36", "TYPE", "TYPE II"})
        EXPECT_GE(alice.control->ask(type).code, 501) << type;
    EXPECT_EQ(alice.control->ask("MODE B").code, 504);
    EXPECT_EQ(alice.control->ask("MODE Z").code, 504);
    EXPECT_EQ(alice.control->ask("STRU R").code, 504);
    EXPECT_EQ(alice.control->ask("MODE S").code, 200);
    EXPECT_EQ(alice.control->ask("STRU F").code, 200);
}

}  // namespace stowage::ftps::rig
