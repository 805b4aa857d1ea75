// restore: a backup back in place, all of it checked before anything is written.
// Runs in: CLI, as root. Distrusts: the folder.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "gateway/base/config_file.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/backup_folder.hpp"
#include "gateway/cli/running_gateway.hpp"

namespace stowage::cli {

namespace {

namespace fs = std::filesystem;

struct Placement {
    const SavedFile* saved;
    KeptFile place;
};

/// The saved configuration says where the rest goes, unless one is named.
Result<ConfigSource> config_of(const Restore& command, bool saved) {
    auto choice = command.config;
    if (choice.file.empty() && saved) choice.file = command.folder + "/" + std::string(saved_config);
    return read_config_source(choice);
}

const SavedFile* find(const std::vector<SavedFile>& files, std::string_view name) {
    for (const auto& file : files)
        if (file.name == name) return &file;
    return nullptr;
}

Result<std::vector<Placement>> places_of(const std::vector<SavedFile>& files, const Config& config,
                                         bool with_config) {
    std::vector<Placement> places;
    for (auto& place : kept_files(config)) {
        const auto* saved = find(files, place.name);
        if (saved) places.push_back({saved, std::move(place)});
    }
    const auto* settings = find(files, saved_config);
    if (settings && with_config)
        places.push_back({settings, {settings->name, std::string(default_config_file), {0, 0, 0644}}});
    // Last: with it the state counts as restored.
    const auto* database = find(files, saved_database);
    if (!database) return Error{Code::invalid, "the backup holds no database", "name another one"};
    TRY(auto place, database_file(config));
    places.push_back({database, std::move(place)});
    return places;
}

Result<void> check_room(const std::vector<Placement>& places) {
    for (const auto& [saved, place] : places) {
        const auto now = read_file(place.path, largest_saved_bytes);
        if (now ? *now == saved->bytes.reveal() : now.error().code == Code::not_found) continue;
        return Error{Code::exists, fmt::format("{} is there and is not what the backup holds", place.path),
                     "nothing was changed; to replace everything that the backup holds: --replace"};
    }
    return {};
}

Result<void> make_folder(const KeptFile& place) {
    const auto folder = fs::path(place.path).parent_path();
    std::error_code failed;
    if (fs::exists(folder, failed)) return {};
    fs::create_directories(folder, failed);
    if (failed) return system_error(failed.value(), "create " + folder.string());
    if (::chmod(folder.c_str(), place.owner.uid == 0 ? 0755 : 0700) != 0 ||
        ::chown(folder.c_str(), place.owner.uid, place.owner.gid) != 0)
        return system_error(errno, "give away " + folder.string());
    return {};
}

Result<void> put_back(const Placement& placement) {
    const auto& place = placement.place;
    CHECK(make_folder(place));
    // A log that belongs to the database which is replaced.
    if (place.name == saved_database) {
        CHECK(remove_durably(place.path + "-wal"));
        CHECK(remove_durably(place.path + "-shm"));
    }
    return write_atomically(place.path, placement.saved->bytes.reveal(), place.owner);
}

/// For the controller's next start, beside its database.
Result<void> leave_what_was_found(const FoundOnDisk& found, const KeptFile& database) {
    CHECK(make_folder(database));
    const auto file = fs::path(database.path).parent_path() / found_on_disk_file;
    return write_atomically(file.string(), to_text(found), database.owner);
}

Result<Fd> lock_state(const Config& config) {
    std::error_code failed;
    fs::create_directories(config.state_dir, failed);
    if (failed) return system_error(failed.value(), "create " + config.state_dir);
    ::chmod(config.state_dir.c_str(), 0755);
    return lock_out_gateway(config);
}

}  // namespace

Result<Exit> run(const Restore& command, Context& context) {
    CHECK(need_root("put the gateway's secrets back"));
    TRY(const auto files, read_backup(command.folder));
    TRY(const auto source, config_of(command, find(files, saved_config) != nullptr));
    TRY(const auto config, parse_config(source.values));
    TRY(const auto places, places_of(files, config, command.config.file.empty()));
    TRY(const auto lock, lock_state(config));
    if (!command.replace) CHECK(check_room(places));
    CHECK(leave_what_was_found(find_on_disk(config), places.back().place));
    for (const auto& placement : places)
        CHECK(put_back(placement));
    const bool mounted = labs_are_mounted(config);
    const auto& console = context.console;
    if (console.json) {
        boost::json::array paths;
        for (const auto& placement : places)
            paths.emplace_back(placement.place.path);
        print_json(console, {{"restored", std::move(paths)}, {"labs_seen", mounted}});
        return Exit::done;
    }
    for (const auto& placement : places)
        console.line(shown(placement.place.path));
    if (!mounted)
        console.line(shown(fmt::format(
            "{0} bears no .stowage-root: if the labs' filesystem is to be there, mount it and restore once "
            "more "
            "(--replace) before the start, or a new lab may get the uid of one made after the backup",
            config.labs.root)));
    console.line("restored; start the gateway (systemctl start stowage), and see `stowage status`");
    return Exit::done;
}

}  // namespace stowage::cli
