// Checking names, sizes and networks of the command line.
// Runs in: CLI.
#include "gateway/cli/raw_arguments.hpp"

#include <fmt/format.h>

#include <charconv>

#include "gateway/base/config_file.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::cli {

namespace {

template <typename T>
Result<T> as_usage(Result<T> result) {
    if (result) return result;
    return Error{Code::usage, result.error().what, result.error().remedy};
}

Result<std::string> lab_name(const std::string& text) {
    return as_usage(parse_lab_name(text));
}
Result<std::string> user_name(const std::string& text) {
    return as_usage(parse_user_name(text));
}

Result<std::vector<std::string>> networks(const std::vector<std::string>& texts) {
    std::vector<std::string> networks, given;
    for (const auto& text : texts) {
        TRY(const auto client, as_usage(parse_client(text)));
        for (const auto& other : given)
            if (networks_overlap(other, client.network))
                return Error{Code::usage, fmt::format("--clients: {} and {} overlap", other, client.network),
                             "leave the smaller one out: the larger one admits it already"};
        given.push_back(client.network);
        networks.push_back(to_text(client));
    }
    return networks;
}

Result<ConfigChoice> config_choice(const Raw& raw) {
    TRY(auto settings, parse_settings(raw.settings));
    return ConfigChoice{raw.config_file, std::move(settings)};
}

// Filled in where it lies: GCC 12 takes a LabCreate that comes out of a Result for uninitialized.
Result<void> read_lab(const Raw& raw, LabCreate& command) {
    TRY(command.name, lab_name(raw.name));
    if (!raw.quota.empty()) {
        TRY(command.quota_bytes, as_usage(parse_bytes("--quota", raw.quota)));
    }
    if (!raw.inodes.empty()) {
        TRY(command.quota_inodes, as_usage(parse_count("--inodes", raw.inodes)));
    }
    TRY(command.clients, networks(raw.clients));
    command.durability = raw.durability;
    command.data_tls_resumption = raw.resumption;
    command.client_ca_file = raw.client_ca;
    return {};
}

}  // namespace

Result<Command> lab_create(const Raw& raw) {
    LabCreate command;
    CHECK(read_lab(raw, command));
    if (command.client_ca_file == "none") command.client_ca_file.clear();
    return Command(std::move(command));
}

Result<Command> lab_set(const Raw& raw) {
    LabSet command;
    CHECK(read_lab(raw, command.wanted));
    command.without_client_ca = raw.client_ca == "none";
    if (command.without_client_ca) command.wanted.client_ca_file.clear();
    for (const auto* given : {&raw.quota, &raw.inodes, &raw.durability, &raw.resumption, &raw.client_ca})
        if (!given->empty()) return Command(std::move(command));
    if (!command.wanted.clients.empty()) return Command(std::move(command));
    return Error{Code::usage, "lab set needs something to set",
                 fmt::format("for example stowage lab set {} --quota 20TiB", command.wanted.name)};
}

Result<Command> lab_delete(const Raw& raw) {
    TRY(auto name, lab_name(raw.name));
    if (!raw.confirm.empty() && raw.confirm != name)
        return Error{Code::usage, fmt::format("--confirm {} is not the lab's name", raw.confirm),
                     "repeat " + name};
    return Command(LabDelete{std::move(name), raw.purge, raw.confirm});
}

Result<Command> user_add(const Raw& raw) {
    TRY(auto name, user_name(raw.name));
    TRY(auto lab, lab_name(raw.lab));
    UserAdd command{std::move(name), std::move(lab), {raw.from_stdin, raw.secrets_file}};
    command.project = raw.project;
    command.roles = raw.roles;
    command.ftps_only = raw.ftps_only;
    return Command(std::move(command));
}

Result<Command> user_passwd(const Raw& raw) {
    TRY(auto name, user_name(raw.name));
    return Command(UserPasswd{std::move(name), {raw.from_stdin, raw.secrets_file}});
}

Result<Command> user_list(const Raw& raw) {
    UserList command{.lab = {}, .names_only = raw.names_only};
    if (!raw.lab.empty()) {
        TRY(command.lab, lab_name(raw.lab));
    }
    return Command(std::move(command));
}

Result<Command> lab_list(const Raw& raw) {
    return Command(LabList{raw.names_only});
}

Result<Command> lab_show(const Raw& raw) {
    TRY(auto name, lab_name(raw.name));
    return Command(LabShow{std::move(name)});
}

Result<Command> user_remove(const Raw& raw) {
    TRY(auto name, user_name(raw.name));
    return Command(UserRemove{std::move(name)});
}

Result<Command> sessions(const Raw& raw) {
    Sessions command;
    if (!raw.lab.empty()) {
        TRY(command.lab, lab_name(raw.lab));
    }
    if (!raw.user.empty()) {
        TRY(command.user, user_name(raw.user));
    }
    return Command(std::move(command));
}

Result<Command> session_kill(const Raw& raw) {
    std::uint64_t number = 0;
    const auto* last = raw.name.data() + raw.name.size();
    const auto [end, failed] = std::from_chars(raw.name.data(), last, number);
    if (failed == std::errc{} && end == last) return Command(SessionKill{number});
    return Error{Code::usage, fmt::format("\"{}\" is not a session's number", raw.name),
                 "give one that `stowage sessions` shows"};
}

Result<Command> nfs_clients(const Raw& raw) {
    NfsClients command;
    if (!raw.name.empty()) {
        TRY(command.lab, lab_name(raw.name));
    }
    return Command(std::move(command));
}

Result<Command> ban_clear(const Raw& raw) {
    if (raw.all == !raw.name.empty())
        return Error{Code::usage, "bans clear needs an address, or --all, and not both",
                     "for example stowage bans clear 192.0.2.7"};
    if (raw.all) return Command(BanClear{});
    auto network = client_network(raw.name.substr(0, raw.name.find('/')));
    if (network.empty())
        return Error{Code::usage, fmt::format("\"{}\" is not an IP address", raw.name),
                     "give one that `stowage bans list` shows"};
    return Command(BanClear{std::move(network)});
}

Result<Command> verify(const Raw& raw) {
    TRY(auto name, lab_name(raw.name));
    return Command(Verify{std::move(name), raw.repair});
}

Result<Command> check(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(Check{std::move(config), raw.site});
}

Result<Command> tls_install(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(TlsInstall{raw.certificate, raw.key, raw.tls_names, std::move(config)});
}

Result<Command> tls_show(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(TlsShow{std::move(config)});
}

Result<Command> backup(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(Backup{raw.folder, std::move(config)});
}

Result<Command> restore(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(Restore{raw.folder, raw.replace, std::move(config)});
}

Result<Command> manual(const Raw& raw) {
    return Command(Manual{raw.name});
}

Result<Command> plan(const Raw& raw) {
    return Command(Plan{raw.file, raw.adopt});
}

Result<Command> apply(const Raw& raw) {
    return Command(Apply{raw.file, raw.secrets_file, raw.adopt});
}

Result<Command> prune(const Raw& raw) {
    Prune command{raw.file};
    if (raw.confirm_count > 0) command.confirm = raw.confirm_count;
    return Command(std::move(command));
}

Result<Command> doctor(const Raw& raw) {
    TRY(auto config, config_choice(raw));
    return Command(Doctor{std::move(config), raw.fix});
}

Result<Command> status(const Raw& raw) {
    return Command(Status{raw.metrics});
}

Result<Command> secrets(const Raw& raw) {
    return Command(Secrets{raw.secrets_file});
}

}  // namespace stowage::cli
