// The table of exit codes.
#include "gateway/cli/exit_code.hpp"

#include <gtest/gtest.h>

namespace stowage::cli {
namespace {

TEST(ExitCode, IsAsDocumented) {
    EXPECT_EQ(static_cast<int>(Exit::done), 0);
    EXPECT_EQ(static_cast<int>(Exit::failed), 1);
    EXPECT_EQ(static_cast<int>(Exit::usage), 2);
    EXPECT_EQ(static_cast<int>(Exit::pending), 3);
    EXPECT_EQ(static_cast<int>(Exit::config), 78);
}

TEST(ExitCode, EveryCodeFailsSomehow) {
    for (auto code = Code::invalid; code <= Code::internal;
         code = static_cast<Code>(static_cast<int>(code) + 1)) {
        const auto expected = code == Code::usage    ? Exit::usage
                              : code == Code::config ? Exit::config
                                                     : Exit::failed;
        EXPECT_EQ(exit_for(code), expected) << to_string(code);
    }
}

}  // namespace
}  // namespace stowage::cli
