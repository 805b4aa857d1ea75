// The log: a line for whatever changed the lab, and no flood of those that did not.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

}  // namespace

// Fails when a hash, or what failed, has a line each time.
TEST(WorkerLog, WhatChangesNothingHasSoManyLinesASecondAndACopyItsOwn) {
    constexpr std::size_t asked = 300, copies = 30, a_second = 20;
    std::string missing = "missing";  // of a thousand bytes, of which no line has the last
    while (missing.size() < 1000)
        missing += "/" + std::string(100, 'x');
    missing += "/last-of-all";
    const auto began = std::chrono::steady_clock::now();
    testing::internal::CaptureStderr();
    {
        Rig rig;
        auto alice = rig.login();
        rig.write_as_pod("/small", "x");
        for (std::size_t i = 0; i < asked; ++i) {
            EXPECT_EQ(alice.control->ask("XMD5 small").code, 250);
            EXPECT_EQ(alice.control->ask("COMB whole " + missing).code, 550);
        }
        for (std::size_t i = 0; i < copies; ++i) {
            EXPECT_EQ(alice.control->ask("SITE CPFR small").code, 350);
            EXPECT_EQ(alice.control->ask("SITE CPTO copy" + std::to_string(i)).code, 250);
        }
    }
    const auto text = testing::internal::GetCapturedStderr();
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count();
    const auto idle = count(text, "verb=XMD5") + count(text, "verb=COMB");
    EXPECT_GT(idle, 0u);
    EXPECT_LE(idle, a_second * (static_cast<std::size_t>(seconds) + 2));
    EXPECT_EQ(count(text, "event=file_command verb=CPTO"), copies);
    EXPECT_EQ(text.find("last-of-all"), std::string::npos);
}

}  // namespace stowage::ftps::rig
