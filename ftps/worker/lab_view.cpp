// Files and partials merged.
// Runs in: worker, on the file threads.
#include "ftps/worker/lab_view.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "ftps/worker/creation_time.hpp"
#include "ftps/worker/directory_stats.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

Result<std::string> LabView::shown_as(const std::string& directory, const std::string& name) const {
    auto found = join(directory, name);
    unsigned count = 0;
    const auto read = each_child(directory, [&](const Seen& seen) {
        if (line_name(seen.name) != name) return true;
        found = join(directory, seen.name);
        return ++count < 2;
    });
    if (read && count > 1)
        return Error{Code::denied, join(directory, name) + ": several names look like this",
                     "rename all but one in a pod"};
    return found;
}

Result<std::string> LabView::known_as(const std::string& path) const {
    if (path.find('?') == std::string::npos || look(path)) return path;
    std::string known = "/";
    for (std::size_t at = 1; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto name = path.substr(at, end - at);
        const auto exact = join(known, name);
        at = end + 1;
        if (name.find('?') == std::string::npos || look(exact)) {
            known = exact;
            continue;
        }
        TRY(known, shown_as(known, name));
    }
    return known;
}

Result<struct stat> LabView::stat(const std::string& path) const {
    if (auto partial = partials_.stat(path)) return partial;
    return files_.stat(path);
}

Result<Seen> LabView::look(const std::string& path, bool dated) const {
    Seen seen{name_of(path), {}, {}, 0};
    const auto partial = partials_.stat(path);
    if (partial) {
        seen.stat = *partial;
    } else {
        TRY(seen.stat, files_.lstat(path));
    }
    TRY(const auto parent, files_.open_parent(path));
    if (dated && !partial)
        seen.created = creation_time(parent.get(), path == "/" ? "." : seen.name.c_str(), seen.stat);
    if (path == "/") return seen;  // nobody may remove or rename it
    seen.parent_rights = LabFiles::rights(parent.get());
    if (S_ISLNK(seen.stat.st_mode)) seen.link_target = LabFiles::link_target(parent.get(), seen.name.c_str());
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
    if (S_ISDIR(what.st_mode)) {
        CHECK(partials_.check_free(to));
        if (from != to && partials_.any_within(to))
            return Error{Code::exists, to + ": unfinished uploads belong into this directory",
                         "finish or delete them first"};
    } else {
        CHECK(partials_.check_idle(to));
    }
    CHECK(files_.rename(from, to));
    if (S_ISDIR(what.st_mode))
        partials_.move_within(from, to);
    else
        partials_.superseded(to);
    return {};
}

Result<void> LabView::each_child(const std::string& path, const std::function<bool(const Seen&)>& visit,
                                 bool dated) const {
    TRY(auto opened, files_.open_directory(path));
    auto partials = partials_.children(path);
    TRY(auto entries, DirectoryStats::of(std::move(opened), path, dated));
    const int rights = LabFiles::rights(entries.descriptor());

    // One for all, and names change places: their memory is taken once, and they are not copied.
    Seen seen{{}, {}, {}, rights};
    for (;;) {
        TRY(const auto batch, entries.next());
        if (batch.empty()) break;
        for (auto& entry : batch) {
            if (files_.hides(entries.descriptor(), entry.name)) continue;
            const auto partial = partials.find(entry.name);
            // Removed since it was read: it is not listed, and that is no error.
            if (partial == partials.end() && !entry.is_there) continue;
            seen.name.swap(entry.name);
            if (partial == partials.end()) {
                seen.stat = entry.stat;
                seen.link_target.swap(entry.link_target);
                seen.created = entry.created;
            } else {
                seen.stat = partial->second;
                seen.link_target.clear();
                seen.created.reset();
                partials.erase(partial);
            }
            if (!visit(seen)) return {};
        }
    }
    for (const auto& [name, stat] : partials)
        if (!visit(Seen{name, stat, {}, rights})) return {};
    return {};
}

}  // namespace stowage::ftps
