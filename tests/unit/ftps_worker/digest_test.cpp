// Hashes by their test vectors; of uploads that come in pieces.
// Runs in: tests only.
#include "ftps/worker/digest.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "ftps/worker/file_hash.hpp"
#include "ftps/worker/upload_hash.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace {

std::string hex_of(HashAlgorithm algorithm, const std::string& bytes) {
    auto digest = Digest::begin(algorithm);
    if (!digest) return digest.error().text();
    digest->update(bytes.data(), bytes.size());
    return to_hex(digest->finish());
}

}  // namespace

TEST(Digest, KnownAnswers) {
    EXPECT_EQ(hex_of(HashAlgorithm::sha256, "abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_of(HashAlgorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex_of(HashAlgorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex_of(HashAlgorithm::crc32, "123456789"), "cbf43926");
    EXPECT_EQ(hex_of(HashAlgorithm::crc32, ""), "00000000");
}

TEST(Digest, NamesInAnyCase) {
    for (const auto algorithm : hash_algorithms())
        EXPECT_EQ(hash_named(hash_name(algorithm)), algorithm);
    EXPECT_EQ(hash_named("sha-256"), HashAlgorithm::sha256);
    EXPECT_FALSE(hash_named("SHA256*"));
    EXPECT_FALSE(hash_named(""));
}

TEST(FileHash, OfARangeAndOfWhatIsNotThere) {
    Folder folder;
    folder.write("file", "xabcx");
    const Fd file(::open((folder.base / "file").c_str(), O_RDONLY | O_CLOEXEC));
    Transfer progress;
    EXPECT_EQ(to_hex(hash_bytes(file, HashAlgorithm::md5, 1, 4, progress).value()),
              "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(progress.bytes, 3u);
    EXPECT_EQ(hash_bytes(file, HashAlgorithm::md5, 1, 9, progress).error().code, Code::in_use);
    progress.aborted = true;
    EXPECT_EQ(hash_bytes(file, HashAlgorithm::md5, 1, 4, progress).error().code, Code::cancelled);
}

class UploadHashTest : public testing::Test {
  protected:
    UploadHashTest() : file(::open((folder.base / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
    void write(const std::string& bytes, std::uint64_t at) {
        ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)),
                  static_cast<ssize_t>(bytes.size()));
    }
    Folder folder;
    Fd file;
    const std::chrono::seconds patience{20};
};

TEST_F(UploadHashTest, FromTheBeginning) {
    UploadHash hash(file, 0);
    hash.received("a", 1);
    hash.received("bc", 2);
    EXPECT_EQ(to_hex(hash.finish(3, patience).value()), hex_of(HashAlgorithm::sha256, "abc"));
}

TEST_F(UploadHashTest, GoingOnReadsWhatIsThere) {
    write("12345", 0);
    UploadHash hash(file, 3);  // REST 3: what was behind it is written anew
    write("abc", 3);
    hash.received("abc", 3);
    EXPECT_EQ(to_hex(hash.finish(6, patience).value()), hex_of(HashAlgorithm::sha256, "123abc"));
}

TEST_F(UploadHashTest, ARangeAmidTheFileCountsWithWhatIsBehindIt) {
    write("0123456789", 0);
    UploadHash hash(file, 2);
    write("ab", 2);
    hash.received("ab", 2);
    EXPECT_EQ(to_hex(hash.finish(10, patience).value()), hex_of(HashAlgorithm::sha256, "01ab456789"));
}

TEST_F(UploadHashTest, ARangeAtTheBeginningToo) {
    write("0123456789", 0);
    UploadHash hash(file, 0);
    write("ab", 0);
    hash.received("ab", 2);
    EXPECT_EQ(to_hex(hash.finish(10, patience).value()), hex_of(HashAlgorithm::sha256, "ab23456789"));
}

TEST_F(UploadHashTest, ImpatienceAndAFileThatIsTooShortGiveNone) {
    ASSERT_EQ(::ftruncate(file.get(), 1ll << 40), 0);
    {
        UploadHash huge(file, 1ull << 40);
        EXPECT_FALSE(huge.finish(1ull << 40, std::chrono::milliseconds(1)));
    }
    ASSERT_EQ(::ftruncate(file.get(), 10), 0);
    UploadHash shorter(file, 5);
    EXPECT_FALSE(shorter.finish(20, patience));
}

}  // namespace stowage::ftps
