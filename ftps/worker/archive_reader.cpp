// libarchive's read side, with the formats and filters that are switched on here and no others.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
// A zip's list of its members is read whole, and kept, before the first of them comes out.
constexpr std::uint64_t most_before_first_member = 256ull << 20;
constexpr int most_filters = 2;  // the compression, and the file itself

// How libarchive turns the UTF-8 names of pax and zip into those of the locale. Where that is ASCII, it
// cannot, and hands out a pax name as the bytes that it is; but of a zip's name it leaves nothing. Where it
// is UTF-8, it composes them: two names that only differ so would become one.
locale_t utf8_names() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
}

/// The thread's locale, for a while.
class InLocale {
  public:
    explicit InLocale(locale_t locale) : before_(::uselocale(locale)) {}
    InLocale(const InLocale&) = delete;
    ~InLocale() { ::uselocale(before_); }

  private:
    locale_t before_;
};

bool is_zip(const Fd& file) {
    std::array<char, 2> first{};
    return ::pread(file.get(), first.data(), first.size(), 0) == 2 && first[0] == 'P' && first[1] == 'K';
}

struct Closer {
    void operator()(archive* open) const { archive_read_free(open); }
};

}  // namespace

struct ArchiveReader::State {
    const Fd& file;
    const std::atomic<bool>& aborted;
    std::unique_ptr<archive, Closer> handle{archive_read_new()};
    std::vector<char> buffer = std::vector<char>(buffer_bytes);
    off_t at = 0;
    std::uint64_t read = 0;
    bool opened = false, first_came = false, zip = is_zip(file);

    Error error() const;
    Result<void> open();

    static la_ssize_t on_read(archive* from, void* self, const void** bytes);
    static la_int64_t on_skip(archive* from, void* self, la_int64_t wanted);
    static la_int64_t on_seek(archive* from, void* self, la_int64_t offset, int whence);
};

la_ssize_t ArchiveReader::State::on_read(archive* from, void* self, const void** bytes) {
    auto& state = *static_cast<State*>(self);
    *bytes = state.buffer.data();
    if (!state.first_came && state.read > most_before_first_member) {
        archive_set_error(from, EFBIG, "its list of members is too long to be kept in memory; use tar");
        return ARCHIVE_FATAL;
    }
    for (;;) {
        if (state.aborted) {
            archive_set_error(from, ECANCELED, "aborted");
            return ARCHIVE_FATAL;
        }
        const auto got = ::pread(state.file.get(), state.buffer.data(), state.buffer.size(), state.at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            archive_set_error(from, EIO, "reading the archive failed: %s", strerrordesc_np(errno));
            return ARCHIVE_FATAL;
        }
        state.at += got;
        state.read += static_cast<std::uint64_t>(got);
        return got;
    }
}

la_int64_t ArchiveReader::State::on_skip(archive*, void* self, la_int64_t wanted) {
    auto& state = *static_cast<State*>(self);
    struct stat seen {};
    if (wanted <= 0 || ::fstat(state.file.get(), &seen) != 0) return 0;
    // Not behind the end: there a broken archive must look broken.
    const auto skipped = std::min<la_int64_t>(wanted, std::max<off_t>(seen.st_size - state.at, 0));
    state.at += skipped;
    return skipped;
}

la_int64_t ArchiveReader::State::on_seek(archive*, void* self, la_int64_t offset, int whence) {
    auto& state = *static_cast<State*>(self);
    struct stat seen {};
    if (::fstat(state.file.get(), &seen) != 0) return ARCHIVE_FATAL;
    const off_t base = whence == SEEK_CUR ? state.at : whence == SEEK_END ? seen.st_size : 0;
    off_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) return ARCHIVE_FATAL;
    return state.at = to;
}

Error ArchiveReader::State::error() const {
    if (aborted) return {Code::cancelled, "unpacking was aborted"};
    const auto* words = archive_error_string(handle.get());
    const std::string why = words ? words : "it is broken";
    switch (archive_errno(handle.get())) {
        case ENOMEM:
            return {Code::unavailable, "no memory is left to unpack: " + why, "try again later"};
        case EIO:
            return {Code::io, why, "tell the administrator if it stays"};
        default:
            return {Code::denied, "the archive cannot be unpacked: " + why,
                    "tar, tar.gz, tar.zst and zip can be, when they are whole and not encrypted"};
    }
}

// Filters that Debian's libarchive has not built in would start a program: ARCHIVE_WARN says so, and is
// refused.
Result<void> ArchiveReader::State::open() {
    auto* from = handle.get();
    if (!from) return Error{Code::unavailable, "no memory is left to unpack", "try again later"};
    const std::array outcomes = {
        archive_read_support_format_tar(from),         archive_read_support_format_zip_seekable(from),
        archive_read_support_filter_none(from),        archive_read_support_filter_gzip(from),
        archive_read_support_filter_zstd(from),        archive_read_set_read_callback(from, on_read),
        archive_read_set_skip_callback(from, on_skip), archive_read_set_seek_callback(from, on_seek),
        archive_read_set_callback_data(from, this)};
    if (std::any_of(outcomes.begin(), outcomes.end(), [](int outcome) { return outcome != ARCHIVE_OK; }))
        return Error{Code::unsupported, "the libarchive of this server lacks tar, zip, gzip or zstd"};
    opened = true;
    if (archive_read_open1(from) != ARCHIVE_OK) return error();
    return {};
}

ArchiveReader::ArchiveReader(const Fd& file, const std::atomic<bool>& aborted)
    : state_(new State{file, aborted}) {}
ArchiveReader::~ArchiveReader() = default;
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;

Result<void> ArchiveReader::prepare_process() {
    const Error missing{Code::unsupported,
                        "the C library lacks the locale C.UTF-8 or its conversion to ASCII",
                        "install the package libc-bin"};
    if (!utf8_names()) return missing;
    // The C library keeps what it loads for the first conversion.
    const auto conversion = ::iconv_open("ANSI_X3.4-1968", "UTF-8");
    if (conversion == reinterpret_cast<iconv_t>(-1)) return missing;
    ::iconv_close(conversion);
    const InLocale here(utf8_names());
    wchar_t wide[2];
    if (std::mbstowcs(wide, "\xc3\xa4", 2) != 1 || wide[0] != L'\u00e4') return missing;
    return {};
}

namespace {

Member::Kind kind_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry)) return Member::Kind::hard_link;
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
            return Member::Kind::file;
        case AE_IFDIR:
            return Member::Kind::directory;
        case AE_IFLNK:
            return Member::Kind::symbolic_link;
        default:
            return Member::Kind::special;
    }
}

std::string text(const char* bytes) {
    return bytes ? bytes : "";
}

Member member_of(archive_entry* entry) {
    Member member;
    member.kind = kind_of(entry);
    member.name = text(archive_entry_pathname(entry));
    if (member.kind == Member::Kind::hard_link) member.target = text(archive_entry_hardlink(entry));
    if (member.kind == Member::Kind::symbolic_link) member.target = text(archive_entry_symlink(entry));
    member.executable = (archive_entry_perm(entry) & 0100) != 0;
    if (archive_entry_size_is_set(entry))
        member.size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
    const auto fraction = archive_entry_mtime_nsec(entry);
    if (archive_entry_mtime_is_set(entry))
        member.modified =
            timespec{archive_entry_mtime(entry), fraction >= 0 && fraction < 1'000'000'000 ? fraction : 0};
    return member;
}

}  // namespace

Result<std::optional<Member>> ArchiveReader::next() {
    auto* from = state_->handle.get();
    if (!state_->opened) CHECK(state_->open());
    archive_entry* entry = nullptr;
    std::optional<InLocale> utf8;
    if (state_->zip) utf8.emplace(utf8_names());
    const int outcome = archive_read_next_header(from, &entry);
    state_->first_came = true;
    if (outcome == ARCHIVE_EOF) return std::optional<Member>();
    if (outcome < ARCHIVE_WARN || !entry) return state_->error();
    if (archive_filter_count(from) > most_filters)
        return Error{Code::denied, "the archive is compressed more than once",
                     "unpack it once, then upload it"};
    if (archive_entry_is_encrypted(entry))
        return Error{Code::denied, "the archive is encrypted", "upload one that is not"};
    return std::optional(member_of(entry));
}

Result<std::optional<ArchiveReader::Block>> ArchiveReader::read() {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int outcome = archive_read_data_block(state_->handle.get(), &bytes, &size, &offset);
    if (outcome == ARCHIVE_EOF) return std::optional<Block>();
    // A warning here is a checksum that does not fit.
    if (outcome != ARCHIVE_OK || offset < 0) return state_->error();
    return std::optional(Block{{static_cast<const char*>(bytes), size}, static_cast<std::uint64_t>(offset)});
}

}  // namespace stowage::ftps
