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
#include <initializer_list>
#include <vector>

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

struct Closer {
    void operator()(archive* open) const { archive_read_free(open); }
};

}  // namespace

struct ArchiveReader::State {
    const Fd& file;
    const std::atomic<bool>& aborted;
    // Decompresses; `handle` finds the members in what comes out, or in the file itself.
    std::unique_ptr<archive, Closer> source{archive_read_new()};
    std::unique_ptr<archive, Closer> handle{archive_read_new()};
    std::vector<char> buffer = std::vector<char>(buffer_bytes);
    off_t at = 0;
    std::uint64_t header_bytes = 0, listed = 0;
    std::optional<Error> refused;
    bool opened = false, in_header = false, in_member = false, zip = is_zip(file);

    State(const Fd& file_, const std::atomic<bool>& aborted_) : file(file_), aborted(aborted_) {}
    ~State() { listed_bytes -= listed; }
    State(const State&) = delete;

    Error error() const { return error_of(handle.get()); }
    Error error_of(archive* failed) const;
    Result<void> open();
    Result<bool> open_source();
    Result<void> skip_rest();
    la_ssize_t counted(archive* from, std::size_t got);

    static la_ssize_t on_read(archive* from, void* self, const void** bytes);
    static la_ssize_t on_read_counted(archive* from, void* self, const void** bytes);
    static la_ssize_t on_read_source(archive* from, void* self, const void** bytes);
    static la_int64_t on_skip(archive* from, void* self, la_int64_t wanted);
    static la_int64_t on_seek(archive* from, void* self, la_int64_t offset, int whence);
};

la_ssize_t ArchiveReader::State::on_read(archive* from, void* self, const void** bytes) {
    auto& state = *static_cast<State*>(self);
    *bytes = state.buffer.data();
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
        return got;
    }
}

/// `got`, unless that is more than may be kept.
la_ssize_t ArchiveReader::State::counted(archive* from, std::size_t got) {
    if (in_header && zip && !in_member) {
        listed += got;
        const auto all = listed_bytes += got;
        if (listed > most_listed_bytes)
            refused = too_long("its list of members");
        else if (all > most_listed_bytes)
            refused = Error{Code::unavailable, "the lists of other zip archives take the memory for its own",
                            "try again when they are unpacked, or use tar"};
    } else if (in_header && (header_bytes += got) > most_header_bytes) {
        refused = too_long("what it says about one member");
    }
    if (!refused) return static_cast<la_ssize_t>(got);
    archive_set_error(from, EFBIG, "refused");  // libarchive may make another error of it
    return ARCHIVE_FATAL;
}

la_ssize_t ArchiveReader::State::on_read_counted(archive* from, void* self, const void** bytes) {
    const auto got = on_read(from, self, bytes);
    return got <= 0 ? got : static_cast<State*>(self)->counted(from, static_cast<std::size_t>(got));
}

la_ssize_t ArchiveReader::State::on_read_source(archive* from, void* self, const void** bytes) {
    auto& state = *static_cast<State*>(self);
    std::size_t got = 0;
    for (la_int64_t offset = 0; got == 0;) {
        const int outcome = archive_read_data_block(state.source.get(), bytes, &got, &offset);
        if (outcome == ARCHIVE_EOF) return 0;
        if (outcome == ARCHIVE_OK && !state.aborted) continue;
        const auto* words = archive_error_string(state.source.get());
        archive_set_error(from, archive_errno(state.source.get()), "%s", words ? words : "it is broken");
        return ARCHIVE_FATAL;
    }
    return state.counted(from, got);
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

Error ArchiveReader::State::error_of(archive* failed) const {
    if (aborted) return {Code::cancelled, "unpacking was aborted"};
    if (refused) return *refused;
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

/// True if the file is compressed, and `source` has what comes out.
Result<bool> ArchiveReader::State::open_source() {
    auto* from = source.get();
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

Result<void> ArchiveReader::State::open() {
    auto* from = handle.get();
    if (!from || !source) return no_memory();
    bool compressed = false;
    if (!zip) {
        TRY(compressed, open_source());
        if (!compressed) at = 0;
    }
    CHECK(all_there({zip ? ARCHIVE_OK : archive_read_support_format_tar(from),
                     compressed ? ARCHIVE_OK : archive_read_support_format_zip_seekable(from),
                     archive_read_set_read_callback(from, compressed ? on_read_source : on_read_counted),
                     compressed ? ARCHIVE_OK : archive_read_set_skip_callback(from, on_skip),
                     compressed ? ARCHIVE_OK : archive_read_set_seek_callback(from, on_seek),
                     archive_read_set_callback_data(from, this)}));
    opened = true;
    if (archive_read_open1(from) != ARCHIVE_OK) return error();
    return {};
}

/// So that next() counts nothing of a content that nobody wanted.
Result<void> ArchiveReader::State::skip_rest() {
    in_header = false;
    if (in_member)
        if (const int outcome = archive_read_data_skip(handle.get());
            outcome < ARCHIVE_WARN || outcome == ARCHIVE_EOF)
            return error();
    header_bytes = 0;
    in_header = true;
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

// A dictionary of LZMA may have 4 GiB, in libarchive without a limit, and 256 MiB are PPMd's. The method
// stands in nothing else that libarchive tells: "ZIP 2.0 (deflation)".
bool known_method(const char* format) {
    const auto name = text(format);
    const auto method = name.substr(std::min(name.find('('), name.size()));
    return method == "(uncompressed)" || method.starts_with("(deflation") || method == "(bzip)";
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
    CHECK(state_->skip_rest());
    archive_entry* entry = nullptr;
    std::optional<InLocale> utf8;
    if (state_->zip) utf8.emplace(utf8_names());
    const int outcome = archive_read_next_header(from, &entry);
    if (outcome == ARCHIVE_EOF) return std::optional<Member>();
    if (outcome < ARCHIVE_WARN || !entry) return state_->error();
    state_->in_header = false;
    state_->in_member = true;
    if (archive_format(from) == ARCHIVE_FORMAT_ZIP && !known_method(archive_format_name(from)))
        return Error{Code::denied, "the archive is compressed by a method that may take any amount of memory",
                     "make it with deflate, as zip does by itself, or use tar"};
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
