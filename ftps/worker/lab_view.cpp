// Files and partials merged.
// Runs in: worker, on the file threads.
#include "ftps/worker/lab_view.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

struct DirectoryCloser {
    void operator()(DIR* open) const { ::closedir(open); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

}  // namespace

Result<struct stat> LabView::stat(const std::string& path) const {
    if (auto partial = partials_.stat(path)) return partial;
    return files_.stat(path);
}

Result<Seen> LabView::look(const std::string& path) const {
    if (const auto partial = partials_.stat(path)) return Seen{name_of(path), *partial, {}};
    TRY(const auto found, files_.lstat(path));
    Seen seen{name_of(path), found, {}};
    if (!S_ISLNK(found.st_mode)) return seen;
    TRY(const auto parent, files_.open_parent(path));
    seen.link_target = LabFiles::link_target(parent.get(), seen.name.c_str());
    return seen;
}

Result<Fd> LabView::open_for_reading(const std::string& path) const {
    if (auto partial = partials_.open_for_reading(path)) return partial;
    return files_.open_for_reading(path);
}

Result<LabView::Removed> LabView::remove_file(const std::string& path) const {
    const auto partial = partials_.remove(path);
    if (partial) return Removed::partial;
    if (partial.error().code != Code::not_found) return partial.error();
    CHECK(files_.remove_file(path));
    return Removed::file;
}

Result<void> LabView::remove_directory(const std::string& path) const {
    if (partials_.any_within(path))
        return Error{Code::exists, path + ": unfinished uploads belong into this directory",
                     "delete them first"};
    return files_.remove_directory(path);
}

Result<void> LabView::rename(const std::string& from, const std::string& to) const {
    const auto moved = partials_.move(from, to);
    if (moved || moved.error().code != Code::not_found) return moved;
    TRY(const auto what, files_.lstat(from));
    CHECK(files_.rename(from, to));
    if (S_ISDIR(what.st_mode))
        partials_.move_within(from, to);
    else
        partials_.superseded(to);
    return {};
}

Result<void> LabView::each_child(const std::string& path,
                                 const std::function<bool(const Seen&)>& visit) const {
    TRY(auto opened, files_.open_directory(path));
    auto partials = partials_.children(path);
    const int directory = opened.get();
    const Directory stream(::fdopendir(directory));
    if (!stream) return file_error(errno, path);
    (void)opened.release();  // closedir() closes it

    for (;;) {
        errno = 0;
        const auto* entry = ::readdir(stream.get());
        if (!entry && errno != 0) return file_error(errno, path);
        if (!entry) break;
        Seen seen{entry->d_name, {}, {}};
        if (seen.name == "." || seen.name == ".." || files_.hides(directory, seen.name)) continue;
        if (const auto partial = partials.find(seen.name); partial != partials.end()) {
            seen.stat = partial->second;
            partials.erase(partial);
        } else {
            // Removed since it was read: it is not listed, and that is no error.
            if (::fstatat(directory, entry->d_name, &seen.stat, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (S_ISLNK(seen.stat.st_mode))
                seen.link_target = LabFiles::link_target(directory, entry->d_name);
        }
        if (!visit(seen)) return {};
    }
    for (const auto& [name, stat] : partials)
        if (!visit(Seen{name, stat, {}})) return {};
    return {};
}

}  // namespace stowage::ftps
