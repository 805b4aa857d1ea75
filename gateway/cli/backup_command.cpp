// backup: what the gateway needs to be set up again, while it runs.
// Runs in: CLI, as root.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/certificate/certificate.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/backup_folder.hpp"
#include "gateway/cli/file_places.hpp"
#include "gateway/cli/gateway_config.hpp"
#include "gateway/cli/running_gateway.hpp"

namespace stowage::cli {

namespace {

Result<std::string> read(const std::string& path) {
    return read_file(path, largest_saved_bytes);
}

/// What no restore could put back is not saved either.
struct Saving {
    BackupFolder folder;
    TakenPlaces places = {};

    Result<void> add(const std::string& name, const std::string& path, std::string_view bytes) {
        TRY(const auto target, behind_links(path));
        TRY(const bool is_new, places.take(target, name, bytes));
        static_cast<void>(is_new);
        return folder.add(name, bytes);
    }

    Result<void> save(const KeptFile& file) {
        auto text = read(file.path);
        if (!text && text.error().code == Code::not_found && file.optional) return {};
        if (!text) return text.error();
        const Secret bytes(*text);
        explicit_bzero(text->data(), text->size());
        return add(file.name, file.path, bytes.reveal());
    }
};

}  // namespace

Result<Exit> run(const Backup& command, Context& context) {
    CHECK(need_root("read the gateway's secrets"));
    TRY(const auto source, read_config_source(command.config));
    TRY(const auto config, parse_config(source.values));
    CHECK(check_same_gateway(context, config));
    TRY(auto made, BackupFolder::create(command.folder));
    Saving saving{std::move(made)};
    auto& folder = saving.folder;
    // The database first: an account that is made meanwhile is then in the password file alone, where it does
    // nothing.
    TRY(const auto database, context.gateway.fetch({"GET", "/v1/backup"}));
    CHECK(folder.add(std::string(saved_database), database));
    if (source.is_file) CHECK(saving.save({std::string(saved_config), source.name, {}}));
    const auto files = certificate_files(config);
    TRY(const auto pair, read_pair(files.chain_path, files.key_path, read));
    CHECK(saving.add(std::string(saved_chain), files.chain_path, pair.chain_pem));
    CHECK(saving.add(std::string(saved_key), files.key_path, pair.key_pem.reveal()));
    for (const auto& file : kept_files(config))
        if (file.name != saved_chain && file.name != saved_key) CHECK(saving.save(file));
    CHECK(folder.finish());
    const auto& console = context.console;
    const auto& names = folder.names();
    if (console.json)
        print_json(console,
                   {{"folder", command.folder}, {"files", boost::json::array(names.begin(), names.end())}});
    else
        console.line(shown(fmt::format("saved to {}: {}; it holds secrets, and none of the labs' data",
                                       command.folder, fmt::join(names, ", "))));
    return Exit::done;
}

}  // namespace stowage::cli
