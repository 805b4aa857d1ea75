// Places, room, and all of them at once.
// Runs in: CLI (as root). Distrusts: links, as file_places.hpp says.
#include "gateway/cli/restored_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "gateway/base/config_file.hpp"
#include "gateway/cli/file_places.hpp"
#include "gateway/cli/staged_files.hpp"

namespace stowage::cli {

namespace {

namespace fs = std::filesystem;

/// The database lies in a folder of the controller's, who could put anything there: no link is followed and
/// no owner kept.
Result<void> add(std::vector<Placement>& places, TakenPlaces& taken, const SavedFile& saved, KeptFile place) {
    const auto bytes = saved.bytes.reveal();
    const bool is_roots = place.owner.uid == 0;
    auto target = place.path;
    if (is_roots) {
        TRY(target, behind_links(place.path));
    }
    TRY(const bool is_new, taken.take(target, place.name, bytes));
    if (!is_new) return {};
    const auto owner = is_roots ? owner_in_place(target, place.owner, bytes) : place.owner;
    places.push_back({&saved, std::move(place), std::move(target), owner});
    return {};
}

Result<void> make_folder(const std::string& path, const FileOwner& owner) {
    const auto folder = fs::path(path).parent_path();
    std::error_code failed;
    if (fs::exists(folder, failed)) return {};
    fs::create_directories(folder, failed);
    if (failed) return system_error(failed.value(), "create " + folder.string());
    if (::chmod(folder.c_str(), owner.uid == 0 ? 0755 : 0700) != 0 ||
        ::chown(folder.c_str(), owner.uid, owner.gid) != 0)
        return system_error(errno, "give away " + folder.string());
    return {};
}

}  // namespace

const SavedFile* find_saved(const std::vector<SavedFile>& files, std::string_view name) {
    for (const auto& file : files)
        if (file.name == name) return &file;
    return nullptr;
}

Result<std::vector<Placement>> places_of(const std::vector<SavedFile>& files, const Config& config,
                                         bool with_config) {
    std::vector<Placement> places;
    TakenPlaces taken;
    for (auto& place : kept_files(config)) {
        const auto* saved = find_saved(files, place.name);
        if (saved) CHECK(add(places, taken, *saved, std::move(place)));
    }
    const auto* settings = find_saved(files, saved_config);
    if (settings && with_config)
        CHECK(
            add(places, taken, *settings, {settings->name, std::string(default_config_file), {0, 0, 0644}}));
    // Last: with it the state counts as restored.
    const auto* database = find_saved(files, saved_database);
    if (!database) return Error{Code::invalid, "the backup holds no database", "name another one"};
    TRY(auto place, database_file(config));
    CHECK(add(places, taken, *database, std::move(place)));
    return places;
}

Result<void> check_room(const std::vector<Placement>& places) {
    for (const auto& [saved, place, target, owner] : places) {
        const auto now = read_file(target, largest_saved_bytes);
        if (now ? *now == saved->bytes.reveal() : now.error().code == Code::not_found) continue;
        return Error{Code::exists, fmt::format("{} is there and is not what the backup holds", place.path),
                     "nothing was changed; to replace everything that the backup holds: --replace"};
    }
    return {};
}

std::vector<std::string> other_places(const std::vector<Placement>& places, const Config& installed,
                                      bool all) {
    auto expected = kept_files(installed);
    expected.push_back({std::string(saved_config), std::string(default_config_file), {}});
    expected.push_back({std::string(saved_database), database_path(installed), {}});
    std::vector<std::string> lines;
    for (const auto& [saved, place, target, owner] : places) {
        const auto here = std::find_if(expected.begin(), expected.end(),
                                       [&](const KeptFile& file) { return file.name == place.name; });
        if (here == expected.end() || (all && here->path == place.path))
            lines.push_back(fmt::format("{} goes to {}", place.name, place.path));
        else if (here->path != place.path)
            lines.push_back(fmt::format("{} goes to {}, not to {}", place.name, place.path, here->path));
    }
    return lines;
}

Result<void> put_back(const std::vector<Placement>& places, const FoundOnDisk& found) {
    StagedFiles staged;
    const auto& database = places.back().place;
    CHECK(make_folder(database.path, database.owner));
    const auto beside = fs::path(database.path).parent_path() / found_on_disk_file;
    CHECK(staged.add(beside.string(), to_text(found), database.owner));
    for (const auto& [saved, place, target, owner] : places) {
        const auto bytes = saved->bytes.reveal();
        // But the database: what its log holds would come on top.
        if (place.name != saved_database && is_as_meant(target, owner, bytes)) continue;
        CHECK(make_folder(target, owner));
        // A log that belongs to the database which is replaced.
        if (place.name == saved_database)
            for (const auto* ending : {"-wal", "-shm"})
                staged.take_away(place.path, place.path + ending);
        CHECK(staged.add(target, bytes, owner));
    }
    return staged.put();
}

}  // namespace stowage::cli
