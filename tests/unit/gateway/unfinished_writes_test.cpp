// Leftovers go, everything else stays.
// Runs in: unit tests.
#include "gateway/base/unfinished_writes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace stowage {

namespace {

class UnfinishedWrites : public testing::Test {
  protected:
    UnfinishedWrites() : folder_(::mkdtemp(pattern_)) {
        for (const auto* name : {"a.conf", ".a.conf.Xy12zZ", ".b.conf.Xy12zZ", ".a.conf.toolong",
                                 ".a.conf.short", ".conf.Xy12zZ", ".a.txt.Xy12zZ", "xa.conf.Xy12zZ"})
            std::ofstream(folder_ + "/" + name) << "text";
    }
    ~UnfinishedWrites() override { std::filesystem::remove_all(folder_); }
    std::vector<std::string> left() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            names.push_back(entry.path().filename());
        return names;
    }
    char pattern_[32] = "/tmp/stowage-unfinished-XXXXXX";
    std::string folder_;
};

}  // namespace

TEST_F(UnfinishedWrites, OfOneFileGo) {
    remove_unfinished_writes(folder_ + "/a.conf");
    EXPECT_THAT(left(),
                testing::UnorderedElementsAre("a.conf", ".b.conf.Xy12zZ", ".a.conf.toolong", ".a.conf.short",
                                              ".conf.Xy12zZ", ".a.txt.Xy12zZ", "xa.conf.Xy12zZ"));
}

TEST_F(UnfinishedWrites, OfAFoldersFilesGo) {
    remove_unfinished_writes_in(folder_, ".conf");
    EXPECT_THAT(left(), testing::UnorderedElementsAre("a.conf", ".a.conf.toolong", ".a.conf.short",
                                                      ".conf.Xy12zZ", ".a.txt.Xy12zZ", "xa.conf.Xy12zZ"));
    remove_unfinished_writes_in(folder_ + "/nowhere", ".conf");
}

}  // namespace stowage
