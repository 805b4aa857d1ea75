// The secret behind kept file hashes.
// Runs in: tests only.
#include "gateway/supervisor/hash_keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace stowage::supervisor {

namespace {

struct StateDir {
    std::string path = (std::filesystem::temp_directory_path() / "stowage-hash-keys.XXXXXX").string();
    StateDir() {
        if (!::mkdtemp(path.data())) throw std::runtime_error("mkdtemp");
    }
    ~StateDir() { std::filesystem::remove_all(path); }
    std::string file() const { return path + "/file-hash.key"; }
};

}  // namespace

TEST(HashKeys, AreMadeOnceAndReadAgain) {
    const StateDir state;
    const auto made = load_hash_secret(state.path);
    if (!made) GTEST_SKIP() << "needs root to own the file: " << made.error().text();
    struct stat seen {};
    ASSERT_EQ(::stat(state.file().c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0600u);
    const auto again = load_hash_secret(state.path);
    ASSERT_TRUE(again);
    EXPECT_EQ(made->reveal(), again->reveal());
    EXPECT_EQ(made->reveal().size(), 32u);
}

TEST(HashKeys, AFileThatOthersCanReadOrThatIsCutIsRefused) {
    const StateDir state;
    std::ofstream(state.file()) << std::string(32, 'k');
    ::chmod(state.file().c_str(), 0640);
    EXPECT_EQ(load_hash_secret(state.path).error().code, Code::config);
    ::chmod(state.file().c_str(), 0600);
    EXPECT_TRUE(load_hash_secret(state.path));
    std::ofstream(state.file()) << "short";
    EXPECT_EQ(load_hash_secret(state.path).error().code, Code::config);
}

TEST(HashKeys, DifferByLabAndUid) {
    const Secret secret(std::string(32, 'k'));
    EXPECT_EQ(hash_key(secret, "lab1", 7), hash_key(secret, "lab1", 7));
    EXPECT_NE(hash_key(secret, "lab1", 7), hash_key(secret, "lab2", 7));
    EXPECT_NE(hash_key(secret, "lab1", 7), hash_key(secret, "lab1", 8));
    EXPECT_NE(hash_key(secret, "lab1", 7), hash_key(Secret(std::string(32, 'l')), "lab1", 7));
}

}  // namespace stowage::supervisor
