// RANG: parts of files, there and back (draft-bryan-ftp-range-08).
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

class Range : public testing::Test {
  protected:
    void SetUp() override { rig.write_as_pod("/set", "0123456789"); }

    Reply store(const std::string& range, const std::string& bytes) {
        if (const auto ranged = alice.control->ask("RANG " + range); ranged.code != 350) return ranged;
        return rig.store(alice, "STOR set", bytes);
    }
    std::string retrieve(const std::string& range) {
        EXPECT_EQ(alice.control->ask("RANG " + range).code, 350);
        std::string bytes;
        const auto last = rig.retrieve(alice, "RETR set", bytes);
        EXPECT_EQ(last.code, 226) << last.text;
        return bytes;
    }
    /// An upload of the same name that stays unfinished.
    void break_off(const std::string& bytes) {
        Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("STOR set").code, 150);
        ASSERT_TRUE(data.handshake());
        data.write(bytes);
        data.cut();
        ASSERT_EQ(alice.control->read().code, 426);
    }

    Rig rig;
    Rig::Login alice = rig.login();
};

TEST_F(Range, RetrievesThoseBytesOnce) {
    EXPECT_EQ(retrieve("2 5"), "2345");
    std::string all;
    EXPECT_EQ(rig.retrieve(alice, "RETR set", all).code, 226);
    EXPECT_EQ(all, "0123456789");
    EXPECT_EQ(retrieve("9 9"), "9");
    EXPECT_EQ(retrieve("7 9223372036854775807"), "789");
    EXPECT_EQ(retrieve("10 20"), "");
    EXPECT_EQ(retrieve("9223372036854775807 9223372036854775807"), "");
    EXPECT_EQ(alice.control->ask("RANG 2 5").code, 350);
    EXPECT_EQ(retrieve("1 0"), "0123456789");
    EXPECT_NE(alice.control->ask("FEAT").text.find(" RANG STREAM\r\n"), std::string::npos);
}

// Taken out (parse_offset() takes any number): this fails.
TEST_F(Range, HostileNumbersAreRefusedAndTakeItBack) {
    for (const auto* bad : {"-1 5", "0 -1", "5 4", "2 0", "1 00", "0", "", "0 1 2", "a b", "0x1 2", "+0 1",
                            "0 9223372036854775808", "18446744073709551616 18446744073709551617",
                            "0 18446744073709551615", "0  1", " 0 1", "0 1 "}) {
        ASSERT_EQ(alice.control->ask("RANG 2 5").code, 350);
        EXPECT_EQ(alice.control->ask(std::string("RANG ") + bad).code, 501) << bad;
    }
    std::string all;
    EXPECT_EQ(rig.retrieve(alice, "RETR set", all).code, 226);
    EXPECT_EQ(all, "0123456789");
    // REST and RANG: the last one counts.
    alice.control->ask("REST 8");
    EXPECT_EQ(retrieve("2 5"), "2345");
    alice.control->ask("RANG 2 5");
    alice.control->ask("REST 8");
    EXPECT_EQ(rig.retrieve(alice, "RETR set", all).code, 226);
    EXPECT_EQ(all, "89");
}

TEST_F(Range, StoresAmidTheFileInOneMoment) {
    const auto stored = store("2 5", "abcd");
    EXPECT_EQ(stored.code, 226) << stored.text;
    EXPECT_EQ(rig.content("/set"), "01abcd6789");
    EXPECT_EQ(store("8 11", "wxyz").code, 226);
    EXPECT_EQ(rig.content("/set"), "01abcd67wxyz");
    EXPECT_EQ(store("12 13", "!?").code, 226);
    EXPECT_EQ(rig.content("/set"), "01abcd67wxyz!?");
    EXPECT_EQ(store("15 16", "no").code, 554);
    EXPECT_EQ(store("9223372036854775806 9223372036854775807", "no").code, 554);
    EXPECT_EQ(rig.content("/set"), "01abcd67wxyz!?");
    // 226 tells the hash of all of it.
    const auto hash = alice.control->ask("HASH set").text;
    const auto last = store("0 0", "0");
    EXPECT_NE(last.text.find("SHA256=" + hash.substr(hash.find("0-13 ") + 5, 64)), std::string::npos)
        << hash << last.text;
    EXPECT_EQ(rig.staged(), 0u);
}

// Taken out (receive_file() publishes a range that is not filled): this fails.
TEST_F(Range, WhatDoesNotFillItChangesNothing) {
    EXPECT_EQ(store("2 5", "abc").code, 426);
    EXPECT_EQ(store("2 5", "abcde").code, 426);
    Data data((alice.control->ask("RANG 2 5"), Rig::epsv(*alice.control)), "127.0.0.1",
              mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR set").code, 150);
    ASSERT_TRUE(data.handshake());
    data.write("abcd");
    data.cut();
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(rig.content("/set"), "0123456789");
    EXPECT_EQ(alice.control->ask("SIZE set").text, "213 10\r\n");
    EXPECT_EQ(rig.staged(), 0u);
}

// It was renamed onto the name, half as it was, and took a complete file's place: fails without
// check_complete().
TEST_F(Range, AmidAnUnfinishedUploadIsRefused) {
    ASSERT_NO_FATAL_FAILURE(break_off("abcdef"));
    for (const auto* range : {"0 1", "2 3", "5 9"}) {
        ASSERT_EQ(alice.control->ask(std::string("RANG ") + range).code, 350);
        Rig::epsv(*alice.control);
        const auto refused = alice.control->ask("STOR set");
        EXPECT_EQ(refused.code, 450) << refused.text;
    }
    EXPECT_EQ(rig.content("/set"), "0123456789");
    EXPECT_EQ(alice.control->ask("SIZE set").text, "213 6\r\n");
}

// 554 is for where it begins. Taken out (any invalid argument is 554): this fails.
TEST_F(Range, OfANameThatIsTooLongIs553) {
    const std::string name(300, 'n');
    for (const auto& command : {"STOR " + name, "HASH " + name}) {
        ASSERT_EQ(alice.control->ask("RANG 2 5").code, 350);
        Rig::epsv(*alice.control);
        EXPECT_EQ(alice.control->ask(command).code, 553) << command;
    }
    EXPECT_EQ(alice.control->ask("XCRC \"" + name + "\" 2 5").code, 553);
}

TEST_F(Range, GoesOnWithAnUnfinishedUpload) {
    ASSERT_NO_FATAL_FAILURE(break_off("abcdef"));
    // A wrong range leaves what is there already as it is.
    EXPECT_EQ(store("7 8", "x").code, 554);
    std::string staged;
    EXPECT_EQ(rig.retrieve(alice, "RETR set", staged).code, 226);
    EXPECT_EQ(staged, "abcdef");
    EXPECT_EQ(store("6 8", "ghi").code, 226);
    EXPECT_EQ(rig.content("/set"), "abcdefghi");
    EXPECT_EQ(rig.staged(), 0u);
}

TEST_F(Range, OfANewFileBeginsAtNought) {
    EXPECT_EQ(alice.control->ask("RANG 0 2").code, 350);
    EXPECT_EQ(rig.store(alice, "STOR new", "abc").code, 226);
    EXPECT_EQ(rig.content("/new"), "abc");
    EXPECT_EQ(alice.control->ask("RANG 3 5").code, 350);
    EXPECT_EQ(rig.store(alice, "APPE new", "def").code, 226);
    EXPECT_EQ(rig.content("/new"), "abcdef");
}

// RFC 3659 §5: a position is for the transfer that comes next. Taken out (a listing leaves it for the one
// behind): this fails.
TEST_F(Range, IsNotKeptOverAListing) {
    for (const auto* position : {"REST 5", "RANG 5 6"}) {
        ASSERT_EQ(alice.control->ask(position).code, 350);
        std::string listing;
        EXPECT_EQ(rig.retrieve(alice, "MLSD", listing).code, 226);
        std::string all;
        EXPECT_EQ(rig.retrieve(alice, "RETR set", all).code, 226);
        EXPECT_EQ(all, "0123456789") << position;
    }
}

}  // namespace stowage::ftps::rig
