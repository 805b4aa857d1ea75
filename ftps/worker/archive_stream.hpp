// The bytes of an archive on their way into libarchive: out of the file, through a decompression, and
// counted, since libarchive keeps what it reads between members. Runs in: worker, on the threads that unpack.
// Distrusts: every byte of the archive, and that it stays as it is.
#pragma once

#include <archive.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// libarchive holds its address: it stays where it is.
class ArchiveStream {
  public:
    /// @param aborted ends every call with Code::cancelled; must outlive the stream, as `file` must
    ArchiveStream(const Fd& file, const std::atomic<bool>& aborted);
    ~ArchiveStream();
    ArchiveStream(const ArchiveStream&) = delete;
    ArchiveStream& operator=(const ArchiveStream&) = delete;

    bool is_zip() const { return zip_; }
    /// What libarchive's functions take; open after the first begin_header().
    archive* handle() const { return handle_.get(); }
    /// Before archive_read_next_header(): from here on counts what libarchive reads. What is left of the last
    /// member's content is skipped, and not counted.
    Result<void> begin_header();
    /// A member was found, whose content is not counted.
    void end_header();
    /// Why a call of libarchive failed.
    Error error() const { return error_of(handle_.get()); }

  private:
    Error error_of(archive* failed) const;
    Result<void> open();
    Result<bool> open_source();
    la_ssize_t counted(archive* from, std::size_t got);

    static la_ssize_t on_read(archive* from, void* self, const void** bytes);
    static la_ssize_t on_read_counted(archive* from, void* self, const void** bytes);
    static la_ssize_t on_read_source(archive* from, void* self, const void** bytes);
    static la_int64_t on_skip(archive* from, void* self, la_int64_t wanted);
    static la_int64_t on_seek(archive* from, void* self, la_int64_t offset, int whence);

    struct Closer {
        void operator()(archive* open) const { archive_read_free(open); }
    };

    const Fd& file_;
    const std::atomic<bool>& aborted_;
    // Decompresses; `handle_` finds the members in what comes out, or in the file itself.
    std::unique_ptr<archive, Closer> source_{archive_read_new()};
    std::unique_ptr<archive, Closer> handle_{archive_read_new()};
    std::vector<char> buffer_;
    off_t at_ = 0;
    std::uint64_t header_bytes_ = 0, listed_ = 0;
    std::optional<Error> refused_;
    bool opened_ = false, in_header_ = false, in_member_ = false, zip_ = false;
};

}  // namespace stowage::ftps
