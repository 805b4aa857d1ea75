// The system call filter, in a child that has locked itself in.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "gateway/base/privileges.hpp"

namespace stowage::privileges {

namespace {

bool maps_code() {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

bool turns_data_into_code() {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

/// Exit status: bit 0 for memory, bit 1 for code that was mapped, bit 2 for data that became code; 64 without
/// a filter.
[[noreturn]] void look(NewCode new_code) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!allow_only({}, new_code)) ::_exit(64);
    const bool memory = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    ::_exit((memory ? 1 : 0) | (maps_code() ? 2 : 0) | (turns_data_into_code() ? 4 : 0));
}

}  // namespace

// Fails when allow_only() allows mmap and mprotect whatever they are told.
TEST(Seccomp, KeepsNewCodeOutWhereItIsRefused) {
    EXPECT_EXIT(look(NewCode::refused), testing::ExitedWithCode(1), "");
    EXPECT_EXIT(look(NewCode::allowed), testing::ExitedWithCode(7), "");
}

TEST(Seccomp, KillsWhoStartsAProgram) {
    EXPECT_EXIT(
        {
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (!allow_only({})) ::_exit(64);
            ::execl("/bin/true", "true", nullptr);
            ::_exit(0);
        },
        testing::KilledBySignal(SIGSYS), "");
}

}  // namespace stowage::privileges
