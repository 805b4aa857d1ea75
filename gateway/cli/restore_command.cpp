// restore: a backup back in place, all of it checked before anything is written.
// Runs in: CLI, as root. Distrusts: the folder until its checksums agree, and the places that the saved
// configuration names until somebody has seen them; what the files then say is root's word.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <iostream>

#include "gateway/base/config_file.hpp"
#include "gateway/base/state_schema.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/backup_folder.hpp"
#include "gateway/cli/running_gateway.hpp"
#include "gateway/cli/staged_files.hpp"

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

/// @param found for the controller's next start, beside its database
Result<void> put_back(const std::vector<Placement>& places, const FoundOnDisk& found) {
    StagedFiles staged;
    const auto& database = places.back().place;
    CHECK(make_folder(database));
    const auto beside = fs::path(database.path).parent_path() / found_on_disk_file;
    CHECK(staged.add(beside.string(), to_text(found), database.owner));
    for (const auto& [saved, place] : places) {
        CHECK(make_folder(place));
        // A log that belongs to the database which is replaced.
        if (place.name == saved_database)
            for (const auto* ending : {"-wal", "-shm"})
                staged.take_away(place.path, place.path + ending);
        CHECK(staged.add(place.path, saved->bytes.reveal(), place.owner));
    }
    return staged.put();
}

/// As the controller would, which says so only after everything was replaced. The header is SQLite's.
Result<void> check_schema(const SavedFile& database) {
    const auto text = database.bytes.reveal();
    constexpr std::size_t user_version = 60, application = 68, header_size = 100;
    const auto number = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + 4; ++i)
            value = value << 8 | static_cast<std::uint8_t>(text[i]);
        return value;
    };
    if (text.size() < header_size || number(application) != state_application_id)
        return Error{Code::invalid, "stowage.db in the backup is no state of a gateway", "name another one"};
    if (number(user_version) <= newest_state_schema) return {};
    return Error{Code::config,
                 fmt::format("the backup is of a newer stowage (schema {}, this one knows {})",
                             number(user_version), newest_state_schema),
                 "install that version first; nothing was changed"};
}

/// What this machine's own configuration says, whatever is in the backup.
Result<Config> installed_config() {
    TRY(const auto source, read_config_source({}));
    return parse_config(source.values);
}

/// Where files would go that this machine's configuration has elsewhere.
Result<std::vector<std::string>> other_places(const std::vector<Placement>& places, const Config& installed) {
    auto expected = kept_files(installed);
    expected.push_back({std::string(saved_config), std::string(default_config_file), {}});
    expected.push_back({std::string(saved_database), database_path(installed), {}});
    std::vector<std::string> lines;
    for (const auto& [saved, place] : places) {
        const auto here = std::find_if(expected.begin(), expected.end(),
                                       [&](const KeptFile& file) { return file.name == place.name; });
        if (here == expected.end())
            lines.push_back(fmt::format("{} goes to {}", place.name, place.path));
        else if (here->path != place.path)
            lines.push_back(fmt::format("{} goes to {}, not to {}", place.name, place.path, here->path));
    }
    return lines;
}

/// A backup's configuration could name any file of this machine.
Result<void> ask_about(const std::vector<std::string>& others, const std::string& folder,
                       const Console& console) {
    if (others.empty()) return {};
    std::string what = "the backup's configuration has places that this machine's has not:";
    for (const auto& line : others)
        what += "\n" + line;
    const auto refused = [&] {
        return Error{
            Code::cancelled, what + "\nnothing was changed",
            fmt::format("look at {0}/{1}; if it is yours, put it in place first (cp {0}/{1} {2}), and "
                        "restore again",
                        folder, saved_config, default_config_file)};
    };
    if (console.json || !::isatty(STDIN_FILENO)) return refused();
    for (std::string_view rest = what; !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size());
        console.line(shown(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    console.line("Type yes to go on: ");
    std::fflush(console.out);
    std::string line;
    if (std::getline(std::cin, line) && line == "yes") return {};
    return refused();
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
    CHECK(check_schema(*places.back().saved));
    Fd own_lock;
    // A configuration that was named says itself where everything is; the saved one may replace another's
    // files.
    if (command.config.file.empty()) {
        TRY(const auto installed, installed_config());
        TRY(const auto others, other_places(places, installed));
        CHECK(ask_about(others, command.folder, context.console));
        std::error_code failed;
        if (installed.state_dir != config.state_dir && fs::exists(installed.state_dir, failed)) {
            TRY(auto held, lock_out_gateway(installed));
            own_lock = std::move(held);
        }
    }
    TRY(const auto lock, lock_state(config));
    if (!command.replace) CHECK(check_room(places));
    CHECK(put_back(places, find_on_disk(config)));
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
            "more (--replace) before the start, or a new lab may get the uid of one made after the backup",
            config.labs.root)));
    console.line("restored; start the gateway (systemctl start stowage), and see `stowage status`");
    return Exit::done;
}

}  // namespace stowage::cli
