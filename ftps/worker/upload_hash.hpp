// The SHA-256 of an upload, of the whole file as it is in the end.
// Runs in: worker, on the transfer threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ftps/worker/digest.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// An upload into an empty file is hashed as it comes, without a second read. One that goes on (REST, APPE,
/// RANG) is followed by a thread that reads the file from its beginning while more is received: the
/// connection never waits for what is there already, and no state of a hash has to survive the first upload,
/// where a pod could change it.
class UploadHash {
  public:
    /// @param file readable; stays open as long as this lives
    /// @param begins_at the position of the first byte that will be received
    UploadHash(const Fd& file, std::uint64_t begins_at);
    /// Ends the thread, at most one read(2) later.
    ~UploadHash();
    UploadHash(const UploadHash&) = delete;
    UploadHash& operator=(const UploadHash&) = delete;

    /// The next bytes; they are in the file already.
    void received(const char* bytes, std::size_t size);
    /// The hash (32 bytes), or nothing if the thread has not read all within `limit`: a client must not lose
    /// patience over a hash. Once.
    /// @param size of the file
    std::optional<std::string> finish(std::uint64_t size, std::chrono::steady_clock::duration limit);

  private:
    void follow();
    std::optional<std::string> hash_all();
    bool read_up_to(std::uint64_t end, char* buffer);

    const Fd& file_;
    std::optional<Digest> digest_;  // none: OpenSSL has no SHA-256 for us
    std::thread follower_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t readable_;                 // the file is final up to here
    std::uint64_t hashed_ = 0;               // of the follower alone
    bool last_ = false, cancelled_ = false;  // nothing will be added; nobody wants it any more
    std::optional<std::string> result_;
    bool ended_ = false;
};

}  // namespace stowage::ftps
