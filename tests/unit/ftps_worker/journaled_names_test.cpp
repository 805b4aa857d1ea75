// Which filesystems keep names with files. That they do is what the power cuts in tests/vm show.
// Runs in: tests only.
#include "ftps/worker/journaled_names.hpp"

#include <gtest/gtest.h>

namespace stowage::ftps {

TEST(JournaledNames, AreThoseOfAJournalThatRuns) {
    EXPECT_TRUE(names_a_journal("417"));
    EXPECT_FALSE(names_a_journal("<none>"));
    EXPECT_FALSE(names_a_journal(""));
}

TEST(JournaledNames, AreNotExpectedWhereNobodyKnows) {
    EXPECT_FALSE(file_sync_keeps_names("/proc"));
    EXPECT_FALSE(file_sync_keeps_names("/dev/shm"));
    EXPECT_FALSE(file_sync_keeps_names("/no/such/directory"));
}

}  // namespace stowage::ftps
