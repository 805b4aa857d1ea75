// Memory goes back once most of what used it has gone.
// Runs in: unit tests.
#include "gateway/base/freed_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

#include "tests/support/sanitized.hpp"

namespace stowage {
namespace {

std::size_t resident_bytes() {
    std::size_t all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::getpagesize());
}

constexpr std::size_t count = 1000, each = 16 << 10;

/// Blocks such as sessions have, and behind each a small one that stays: none of them reaches the heap's end.
struct Sessions {
    std::vector<std::unique_ptr<char[]>> living = {}, staying = {};

    Sessions() {
        for (std::size_t i = 0; i < count; ++i) {
            living.push_back(std::make_unique<char[]>(each));
            staying.push_back(std::make_unique<char[]>(32));
        }
    }
};

TEST(FreedMemory, IsGivenBackWhenMostOfThemAreGone) {
    if (is_sanitized) GTEST_SKIP() << "the sanitizers keep what is freed";
    FreedMemory freed;
    Sessions sessions;
    freed.note_alive(count);
    const auto most = resident_bytes();
    sessions.living.resize(count / 8 + 1);
    freed.note_alive(count / 8 + 1);
    EXPECT_GT(resident_bytes() + count * each / 4, most) << "given back too soon: the next ones may use it";
    sessions.living.resize(count / 8);
    freed.note_alive(count / 8);
    EXPECT_LT(resident_bytes() + count * each * 2 / 3, most);
}

TEST(FreedMemory, IsGivenBackOncePerPauseHoweverManyComeAndGo) {
    if (is_sanitized) GTEST_SKIP() << "the sanitizers keep what is freed";
    for (const bool pauses : {true, false}) {
        FreedMemory freed(std::chrono::seconds(pauses ? 3600 : 0));
        freed.note_alive(count);
        freed.note_alive(0);
        Sessions sessions;
        freed.note_alive(count);
        const auto most = resident_bytes();
        sessions.living.clear();
        freed.note_alive(0);
        EXPECT_EQ(resident_bytes() + count * each * 2 / 3 > most, pauses);
    }
}

}  // namespace
}  // namespace stowage
