// Members out of libarchive, with their names and kinds.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>

#include "ftps/worker/archive_stream.hpp"

namespace stowage::ftps {

namespace {

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

ArchiveReader::ArchiveReader(const Fd& file, const std::atomic<bool>& aborted)
    : stream_(std::make_unique<ArchiveStream>(file, aborted)) {}
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

Result<std::optional<Member>> ArchiveReader::next() {
    CHECK(stream_->begin_header());
    auto* from = stream_->handle();
    archive_entry* entry = nullptr;
    std::optional<InLocale> utf8;
    if (stream_->is_zip()) utf8.emplace(utf8_names());
    const int outcome = archive_read_next_header(from, &entry);
    if (outcome == ARCHIVE_EOF) return std::optional<Member>();
    if (outcome < ARCHIVE_WARN || !entry) return stream_->error();
    stream_->end_header();
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
    const int outcome = archive_read_data_block(stream_->handle(), &bytes, &size, &offset);
    if (outcome == ARCHIVE_EOF) return std::optional<Block>();
    // A warning here is a checksum that does not fit.
    if (outcome != ARCHIVE_OK || offset < 0) return stream_->error();
    return std::optional(Block{{static_cast<const char*>(bytes), size}, static_cast<std::uint64_t>(offset)});
}

}  // namespace stowage::ftps
