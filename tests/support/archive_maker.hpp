// Archives with any members, also those that no archiver would write.
// Runs in: tests only.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <locale.h>

#include <stdexcept>
#include <string>

namespace stowage::ftps {

class ArchiveMaker {
  public:
    /// @param format "pax", "gnutar", "ustar", "zip"; @param filter "none", "gzip", "zstd"
    ArchiveMaker(const std::string& path, const std::string& format, const std::string& filter = "none")
        : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
          before_(::uselocale(locale_)),
          made_(archive_write_new()) {
        demand(archive_write_set_format_by_name(made_, format.c_str()));
        if (filter != "none") demand(archive_write_add_filter_by_name(made_, filter.c_str()));
        demand(archive_write_set_options(made_, format == "zip" ? "zip:hdrcharset=UTF-8" : ""));
        demand(archive_write_open_filename(made_, path.c_str()));
    }
    ~ArchiveMaker() {
        archive_write_free(made_);
        ::uselocale(before_);
        ::freelocale(locale_);
    }
    ArchiveMaker(const ArchiveMaker&) = delete;

    ArchiveMaker& file(const std::string& name, const std::string& bytes, int mode = 0644,
                       long time = 1'600'000'000) {
        auto* entry = start(name, AE_IFREG, mode, time);
        archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
        return finish(entry, bytes);
    }
    ArchiveMaker& directory(const std::string& name, int mode = 0755, long time = 1'500'000'000) {
        return finish(start(name, AE_IFDIR, mode, time), "");
    }
    ArchiveMaker& link(const std::string& name, const std::string& target) {
        auto* entry = start(name, AE_IFLNK, 0777, 1'400'000'000);
        archive_entry_set_symlink(entry, target.c_str());
        return finish(entry, "");
    }
    ArchiveMaker& hard_link(const std::string& name, const std::string& target) {
        auto* entry = start(name, AE_IFREG, 0644, 1'400'000'000);
        archive_entry_set_hardlink(entry, target.c_str());
        return finish(entry, "");
    }
    ArchiveMaker& special(const std::string& name, unsigned type) {
        return finish(start(name, type, 0666, 0), "");
    }
    void close() { demand(archive_write_close(made_)); }

  private:
    static void demand(int outcome) {
        if (outcome != ARCHIVE_OK && outcome != ARCHIVE_WARN)
            throw std::runtime_error("libarchive cannot write that");
    }
    static archive_entry* start(const std::string& name, unsigned type, int mode, long time) {
        auto* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, type);
        archive_entry_set_perm(entry, static_cast<mode_t>(mode));
        archive_entry_set_mtime(entry, time, 0);
        archive_entry_set_uid(entry, 0);
        return entry;
    }
    ArchiveMaker& finish(archive_entry* entry, const std::string& bytes) {
        const int outcome = archive_write_header(made_, entry);
        archive_entry_free(entry);
        demand(outcome);
        if (!bytes.empty() && archive_write_data(made_, bytes.data(), bytes.size()) < 0)
            throw std::runtime_error("libarchive cannot write the content");
        return *this;
    }

    locale_t locale_, before_;
    archive* made_;
};

}  // namespace stowage::ftps
