// What was a password is nowhere in memory that was given back. Replaces the whole test program's `delete`.
// Runs in: tests only.
#include <gtest/gtest.h>
#include <malloc.h>
#include <string.h>

#include <cstdlib>
#include <new>

#include "ftps/protocol/command_line.hpp"

namespace {

constexpr char trace[] = "PASS correct horse";
bool watched = false, found = false;

void give_back(void* taken) {
    if (watched && taken && ::memmem(taken, ::malloc_usable_size(taken), trace, sizeof trace - 1))
        found = true;
    std::free(taken);
}

}  // namespace

void* operator new(std::size_t bytes) {
    if (void* taken = std::malloc(bytes > 0 ? bytes : 1)) return taken;
    throw std::bad_alloc();
}
void operator delete(void* taken) noexcept {
    give_back(taken);
}
void operator delete(void* taken, std::size_t) noexcept {
    give_back(taken);
}

namespace stowage::ftps {

// The buffer grew by itself: each block that it outgrew kept the line's beginning.
TEST(CommandReader, LeavesNoPasswordInMemoryThatItOutgrows) {
    const std::string line = std::string(trace) + std::string(300, ' ') + "battery staple\r\n";
    watched = true;
    found = false;
    {
        CommandReader reader;
        for (const char c : line)
            reader.feed({&c, 1});
        EXPECT_TRUE(std::holds_alternative<Command>(reader.next()));
    }
    {
        CommandReader reader;
        reader.feed(line);
        reader.feed(line);
    }
    watched = false;
    EXPECT_FALSE(found);
}

}  // namespace stowage::ftps
