// libarchive's read side, with the formats and filters that are switched on here and no others.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/archive_stream.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr int most_filters = 2;  // the compression, and the file itself
// What libarchive reads to know one member it keeps, as up to twelve times as much memory (a list of holes).
// Counted behind the decompression: a megabyte of zstd may be gigabytes of such a list.
constexpr std::uint64_t most_header_bytes = 4ull << 20;
// A zip's list of its members is read whole before the first of them comes out, and kept to the end: 3.4
// times as much memory. This is for all that the process reads at the same time; a million members are 100
// MB.
constexpr std::uint64_t most_listed_bytes = 128ull << 20;
std::atomic<std::uint64_t> listed_bytes{0};

bool begins_as_zip(const Fd& file) {
    // A tar may begin with a name, so PK alone says nothing.
    std::array<char, 4> first{};
    if (::pread(file.get(), first.data(), first.size(), 0) != 4) return false;
    const std::string_view bytes(first.data(), first.size());
    return bytes == "PK\3\4" || bytes == "PK\5\6" || bytes == "PK\7\b";
}

Error too_long(const std::string& what) {
    return {Code::denied, "the archive cannot be unpacked: " + what + " is too long to be kept in memory",
            "use tar, or several archives"};
}

}  // namespace

ArchiveStream::ArchiveStream(const Fd& file, const std::atomic<bool>& aborted)
    : file_(file), aborted_(aborted), buffer_(buffer_bytes), zip_(begins_as_zip(file)) {}

ArchiveStream::~ArchiveStream() {
    listed_bytes -= listed_;
}

la_ssize_t ArchiveStream::on_read(archive* from, void* self, const void** bytes) {
    auto& state = *static_cast<ArchiveStream*>(self);
    *bytes = state.buffer_.data();
    for (;;) {
        if (state.aborted_) {
            archive_set_error(from, ECANCELED, "aborted");
            return ARCHIVE_FATAL;
        }
        const auto got = ::pread(state.file_.get(), state.buffer_.data(), state.buffer_.size(), state.at_);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            archive_set_error(from, EIO, "reading the archive failed: %s", strerrordesc_np(errno));
            return ARCHIVE_FATAL;
        }
        state.at_ += got;
        return got;
    }
}

/// `got`, unless that is more than may be kept.
la_ssize_t ArchiveStream::counted(archive* from, std::size_t got) {
    if (in_header_ && zip_ && !in_member_) {
        listed_ += got;
        const auto all = listed_bytes += got;
        if (listed_ > most_listed_bytes)
            refused_ = too_long("its list of members");
        else if (all > most_listed_bytes)
            refused_ = Error{Code::unavailable, "the lists of other zip archives take the memory for its own",
                             "try again when they are unpacked, or use tar"};
    } else if (in_header_ && (header_bytes_ += got) > most_header_bytes) {
        refused_ = too_long("what it says about one member");
    }
    if (!refused_) return static_cast<la_ssize_t>(got);
    archive_set_error(from, EFBIG, "refused");  // libarchive may make another error of it
    return ARCHIVE_FATAL;
}

la_ssize_t ArchiveStream::on_read_counted(archive* from, void* self, const void** bytes) {
    const auto got = on_read(from, self, bytes);
    return got <= 0 ? got : static_cast<ArchiveStream*>(self)->counted(from, static_cast<std::size_t>(got));
}

la_ssize_t ArchiveStream::on_read_source(archive* from, void* self, const void** bytes) {
    auto& state = *static_cast<ArchiveStream*>(self);
    std::size_t got = 0;
    for (la_int64_t offset = 0; got == 0;) {
        const int outcome = archive_read_data_block(state.source_.get(), bytes, &got, &offset);
        if (outcome == ARCHIVE_EOF) return 0;
        if (outcome == ARCHIVE_OK && !state.aborted_) continue;
        const auto* words = archive_error_string(state.source_.get());
        archive_set_error(from, archive_errno(state.source_.get()), "%s", words ? words : "it is broken");
        return ARCHIVE_FATAL;
    }
    return state.counted(from, got);
}

la_int64_t ArchiveStream::on_skip(archive*, void* self, la_int64_t wanted) {
    auto& state = *static_cast<ArchiveStream*>(self);
    struct stat seen {};
    if (wanted <= 0 || ::fstat(state.file_.get(), &seen) != 0) return 0;
    // Not behind the end: there a broken archive must look broken.
    const auto skipped = std::min<la_int64_t>(wanted, std::max<off_t>(seen.st_size - state.at_, 0));
    state.at_ += skipped;
    return skipped;
}

la_int64_t ArchiveStream::on_seek(archive*, void* self, la_int64_t offset, int whence) {
    auto& state = *static_cast<ArchiveStream*>(self);
    struct stat seen {};
    if (::fstat(state.file_.get(), &seen) != 0) return ARCHIVE_FATAL;
    const off_t base = whence == SEEK_CUR ? state.at_ : whence == SEEK_END ? seen.st_size : 0;
    off_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) return ARCHIVE_FATAL;
    return state.at_ = to;
}

Error ArchiveStream::error_of(archive* failed) const {
    if (aborted_) return {Code::cancelled, "unpacking was aborted"};
    if (refused_) return *refused_;
    const auto* words = archive_error_string(failed);
    const std::string why = words ? words : "it is broken";
    switch (archive_errno(failed)) {
        case ENOMEM:
            return {Code::unavailable, "no memory is left to unpack: " + why, "try again later"};
        case EIO:
            return {Code::io, why, "tell the administrator if it stays"};
        default:
            return {Code::denied, "the archive cannot be unpacked: " + why,
                    "tar, tar.gz, tar.zst and zip can be, when they are whole and not encrypted"};
    }
}

namespace {

Error no_memory() {
    return {Code::unavailable, "no memory is left to unpack", "try again later"};
}

// Filters that Debian's libarchive has not built in would start a program: ARCHIVE_WARN says so, and is
// refused.
Result<void> all_there(std::initializer_list<int> outcomes) {
    if (std::all_of(outcomes.begin(), outcomes.end(), [](int outcome) { return outcome == ARCHIVE_OK; }))
        return {};
    return Error{Code::unsupported, "the libarchive of this server lacks tar, zip, gzip or zstd"};
}

}  // namespace

/// True if the file is compressed, and `source_` has what comes out.
Result<bool> ArchiveStream::open_source() {
    auto* from = source_.get();
    CHECK(all_there({archive_read_support_format_raw(from), archive_read_support_filter_none(from),
                     archive_read_support_filter_gzip(from), archive_read_support_filter_zstd(from),
                     archive_read_set_read_callback(from, on_read),
                     archive_read_set_callback_data(from, this)}));
    archive_entry* whole = nullptr;
    if (archive_read_open1(from) != ARCHIVE_OK || archive_read_next_header(from, &whole) != ARCHIVE_OK)
        return error_of(from);
    if (archive_filter_count(from) > most_filters)
        return Error{Code::denied, "the archive is compressed more than once",
                     "unpack it once, then upload it"};
    return archive_filter_count(from) == most_filters;
}

Result<void> ArchiveStream::open() {
    auto* from = handle_.get();
    if (!from || !source_) return no_memory();
    bool compressed = false;
    if (!zip_) {
        TRY(compressed, open_source());
        if (!compressed) at_ = 0;
    }
    CHECK(all_there({zip_ ? ARCHIVE_OK : archive_read_support_format_tar(from),
                     compressed ? ARCHIVE_OK : archive_read_support_format_zip_seekable(from),
                     archive_read_set_read_callback(from, compressed ? on_read_source : on_read_counted),
                     compressed ? ARCHIVE_OK : archive_read_set_skip_callback(from, on_skip),
                     compressed ? ARCHIVE_OK : archive_read_set_seek_callback(from, on_seek),
                     archive_read_set_callback_data(from, this)}));
    opened_ = true;
    if (archive_read_open1(from) != ARCHIVE_OK) return error();
    return {};
}

Result<void> ArchiveStream::begin_header() {
    if (!opened_) CHECK(open());
    in_header_ = false;
    if (in_member_)
        if (const int outcome = archive_read_data_skip(handle_.get());
            outcome < ARCHIVE_WARN || outcome == ARCHIVE_EOF)
            return error();
    header_bytes_ = 0;
    in_header_ = true;
    return {};
}

void ArchiveStream::end_header() {
    in_header_ = false;
    in_member_ = true;
}

}  // namespace stowage::ftps
