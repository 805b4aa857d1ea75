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
#include "gateway/cli/restored_files.hpp"
#include "gateway/cli/running_gateway.hpp"

namespace stowage::cli {

namespace {

namespace fs = std::filesystem;

/// What this machine's own configuration says, whatever is in the backup. One that cannot be read may be the
/// reason to restore: it counts as the defaults.
struct Installed {
    Config config = {};
    std::string problem = {};  ///< why it cannot be used
};

Result<Config> read_installed() {
    TRY(const auto source, read_config_source({}));
    return parse_config(source.values);
}

Installed installed_config() {
    auto config = read_installed();
    if (config) return {std::move(*config)};
    auto counted = parse_config({});
    // A gateway that runs has left there what it was started with, before the file was changed.
    const auto values = read_published_config(counted.value().run_dir);
    if (auto started = values ? parse_config(*values) : counted) counted = std::move(started);
    return {std::move(*counted), config.error().what};
}

/// The saved configuration says where the rest goes, unless one is named.
Result<Config> config_of(const Restore& command, bool saved, const Installed& installed) {
    auto choice = command.config;
    if (choice.file.empty() && saved) choice.file = command.folder + "/" + std::string(saved_config);
    if (choice.file.empty() && choice.settings.empty()) return installed.config;
    TRY(const auto source, read_config_source(choice));
    return parse_config(source.values);
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

/// A backup's configuration could name any file of this machine.
Result<void> ask_about(const std::vector<std::string>& others, const Installed& installed,
                       const std::string& remedy, const Console& console) {
    if (others.empty()) return {};
    std::string what = installed.problem.empty()
                           ? "the backup's configuration has places that this machine's has not:"
                           : fmt::format(
                                 "this machine's own configuration cannot be used ({}), so look at "
                                 "where everything goes:",
                                 installed.problem);
    for (const auto& line : others)
        what += "\n" + line;
    const auto refused = [&] { return Error{Code::cancelled, what + "\nnothing was changed", remedy}; };
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

std::string what_to_do_about_places(const std::string& folder, bool has_config) {
    if (!has_config)
        return fmt::format("correct {0} or move it away, and restore again", default_config_file);
    return fmt::format(
        "look at {0}/{1}; if it is yours, put it in place first (cp {0}/{1} {2}), and restore again", folder,
        saved_config, default_config_file);
}

Result<Fd> lock_state(const Config& config) {
    std::error_code failed;
    fs::create_directories(config.state_dir, failed);
    if (failed) return system_error(failed.value(), "create " + config.state_dir);
    ::chmod(config.state_dir.c_str(), 0755);
    return lock_out_gateway(config);
}

/// That of this machine's own gateway, where it is another one; no lock where it has none.
Result<Fd> lock_state_beside(const Config& own, const Config& restored) {
    std::error_code failed;
    if (own.state_dir == restored.state_dir || !fs::exists(own.state_dir, failed)) return Fd();
    return lock_out_gateway(own);
}

}  // namespace

Result<Exit> run(const Restore& command, Context& context) {
    CHECK(need_root("put the gateway's secrets back"));
    TRY(const auto files, read_backup(command.folder));
    const bool has_config = find_saved(files, saved_config) != nullptr;
    const auto installed = installed_config();
    TRY(const auto config, config_of(command, has_config, installed));
    TRY(const auto places, places_of(files, config, command.config.file.empty()));
    CHECK(check_schema(*places.back().saved));
    const auto others = other_places(places, installed.config, !installed.problem.empty());
    // A configuration that was named says itself where everything is; the saved one may replace another's
    // files.
    const bool named = !command.config.file.empty();
    if (!named)
        CHECK(ask_about(others, installed, what_to_do_about_places(command.folder, has_config),
                        context.console));
    // The password file and the PAM service may be this machine's gateway's, whatever the state is.
    const bool shares = others.size() < places.size();
    Fd own_lock;
    if (!named || shares) {
        TRY(auto held, lock_state_beside(installed.config, config));
        own_lock = std::move(held);
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
    console.line(named
                     ? shown(fmt::format("restored; start the gateway that has {}, and see `stowage status`",
                                         command.config.file))
                     : "restored; start the gateway (systemctl start stowage), and see `stowage status`");
    return Exit::done;
}

}  // namespace stowage::cli
