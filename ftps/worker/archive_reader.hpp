// Archives as a row of members: tar, plain or compressed by gzip or zstd, and zip; told by their content.
// Runs in: worker, on the threads that unpack. Distrusts: every byte of the archive, and that it stays as it
// is.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

class ArchiveStream;

/// One member, as the archive has it: nothing of it was checked.
struct Member {
    enum class Kind { file, directory, symbolic_link, hard_link, special };
    Kind kind = Kind::special;
    std::string name;    ///< its bytes; a zip's UTF-8 names composed (NFC)
    std::string target;  ///< of a link
    bool executable = false;
    std::uint64_t size = 0;  ///< of a file, if the archive tells
    std::optional<timespec> modified;
};

/// All members block, and are for one thread.
class ArchiveReader {
  public:
    /// Bytes of a member at their place in it; what lies between blocks is a hole.
    struct Block {
        std::string_view bytes;
        std::uint64_t offset = 0;
    };

    /// Once per process, before it locks itself in: what libarchive and the C library load for names is
    /// loaded now, for afterwards they would find what pods put into the lab.
    static Result<void> prepare_process();

    /// @param aborted ends every call with Code::cancelled; must outlive the reader, as `file` must
    ArchiveReader(const Fd& file, const std::atomic<bool>& aborted);
    ~ArchiveReader();
    ArchiveReader(ArchiveReader&&) noexcept;

    /// The next member, or nothing behind the last. Code::denied when this is no archive, or a broken or
    /// encrypted one.
    Result<std::optional<Member>> next();
    /// The next bytes of the current member, valid until the next call; nothing behind the last.
    Result<std::optional<Block>> read();

  private:
    std::unique_ptr<ArchiveStream> stream_;
};

}  // namespace stowage::ftps
