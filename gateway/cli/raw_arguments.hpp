// Option values as they were typed, and what they mean once checked.
// Runs in: CLI. Distrusts: every value.
#pragma once

#include <string>
#include <vector>

#include "gateway/cli/commands.hpp"

namespace stowage::cli {

/// What the command line's parser fills in; each command uses some of it.
struct Raw {
    std::string name, lab, user, quota, inodes, durability, resumption, client_ca, confirm, secrets_file,
        file, shell, project, site, certificate, key, folder, config_file;
    std::vector<std::string> clients, settings, tls_names, roles;
    bool adopt = false, fix = false, ftps_only = false, metrics = false;
    bool replace = false, repair = false, purge = false, from_stdin = false, names_only = false, all = false;
    bool json = false, no_colour = false;
    std::string socket;
    unsigned timeout = 0, confirm_count = 0;
};

/// Makes a command of its values: Code::usage with field, value and remedy when one is wrong.
using CheckRaw = Result<Command> (*)(const Raw&);

Result<Command> lab_create(const Raw& raw);
Result<Command> lab_set(const Raw& raw);
Result<Command> lab_list(const Raw& raw);
Result<Command> lab_show(const Raw& raw);
Result<Command> lab_delete(const Raw& raw);
Result<Command> user_add(const Raw& raw);
Result<Command> user_passwd(const Raw& raw);
Result<Command> user_list(const Raw& raw);
Result<Command> user_remove(const Raw& raw);
Result<Command> sessions(const Raw& raw);
Result<Command> session_kill(const Raw& raw);
Result<Command> nfs_clients(const Raw& raw);
Result<Command> ban_clear(const Raw& raw);
Result<Command> verify(const Raw& raw);
Result<Command> check(const Raw& raw);
Result<Command> plan(const Raw& raw);
Result<Command> apply(const Raw& raw);
Result<Command> prune(const Raw& raw);
Result<Command> doctor(const Raw& raw);
Result<Command> secrets(const Raw& raw);
Result<Command> status(const Raw& raw);
Result<Command> tls_install(const Raw& raw);
Result<Command> tls_show(const Raw& raw);
Result<Command> backup(const Raw& raw);
Result<Command> restore(const Raw& raw);
Result<Command> manual(const Raw& raw);

/// A command without arguments.
template <typename T>
Result<Command> bare(const Raw&) {
    return Command(T{});
}

}  // namespace stowage::cli
