// Commands, options and examples, declared with CLI11.
// Runs in: CLI.
#include "gateway/cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace stowage::cli {

namespace {

constexpr auto the_file = "/etc/stowage/stowage.yaml";
constexpr auto of_gateway = "that of the gateway that runs";

}  // namespace

CLI::App* CommandLine::group(const char* name, const char* what) {
    auto* app = app_.add_subcommand(name, what);
    app->require_subcommand(1);
    app->footer(fmt::format("Example:\n  stowage {} --help", name));
    return app;
}

CLI::App* CommandLine::leaf(CLI::App& parent, const char* name, const char* what, const char* example,
                            CheckRaw checked) {
    auto* app = parent.add_subcommand(name, what);
    app->footer(fmt::format(
        "Every command also takes --json, --no-color, --socket and --timeout: see stowage --help.\n"
        "Example:\n  {}",
        example));
    leaves_.push_back({app, std::move(checked)});
    return app;
}

void CommandLine::add_password_options(CLI::App& app) {
    app.add_flag("--password-stdin", raw_.from_stdin,
                 "Read the password, one line, from standard input instead of making one");
    app.add_option("--secrets-file", raw_.secrets_file,
                   "Write it to this new file (mode 0600, made first) instead of showing it")
        ->type_name("FILE");
}

void CommandLine::add_config_options(CLI::App& app, const std::string& by_default) {
    app.add_option("--config", raw_.config_file, "The configuration; default: " + by_default)
        ->type_name("FILE");
    app.add_option("--set", raw_.settings, "Override one key; repeatable")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

void CommandLine::add_lab_options(CLI::App& app, const std::string& more_of_quota,
                                  const std::string& more_of_inodes, const std::string& more_of_clients) {
    app.add_option("--quota", raw_.quota, "Size limit, or none" + more_of_quota)->type_name("SIZE");
    app.add_option("--inodes", raw_.inodes, "Limit of files and directories, or none" + more_of_inodes)
        ->type_name("COUNT");
    app.add_option("--clients", raw_.clients,
                   "Networks that may mount it, NETWORK:ro for reading only" + more_of_clients)
        ->type_name("NETWORKS")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("--durability", raw_.durability,
                   "full: an upload's 226 means that it is on disk; none: faster; default: ftps.durability")
        ->type_name("WORD")
        ->check(CLI::IsMember({"full", "none", "default"}));
    app.add_option("--data-tls-resumption", raw_.resumption,
                   "optional admits FTPS clients that cannot resume TLS; default: ftps.data_tls_resumption")
        ->type_name("WORD")
        ->check(CLI::IsMember({"required", "optional", "default"}));
    app.add_option(
           "--client-ca", raw_.client_ca,
           "The lab's users must present a certificate that leads to one of this file's CAs (PEM); none: "
           "they need not")
        ->type_name("FILE");
}

void CommandLine::declare_labs() {
    auto& lab = *group("lab", "Make, show and delete labs");
    auto* create = leaf(
        lab, "create", "Make a lab: directory, quota, NFS export, Run:ai data source",
        "stowage lab create lab1 --quota 10TiB --inodes 50M --clients 10.0.0.0/8,192.168.7.0/24", lab_create);
    create->add_option("name", raw_.name, "Lower-case letters, digits, hyphens; at most 57")->required();
    add_lab_options(*create, "; default: labs.default_quota", "; default: labs.default_inodes",
                    "; default: labs.default_clients");

    auto* set = leaf(lab, "set", "Change a lab's settings at once; what is not given stays as it is",
                     "stowage lab set lab1 --quota 20TiB --client-ca none", lab_set);
    set->add_option("name", raw_.name, "The lab")->required();
    add_lab_options(*set, "", "", ", instead of those before");

    auto* list = leaf(lab, "list", "List the labs", "stowage lab list --json", lab_list);
    list->add_flag("--names", raw_.names_only, "Names only, one a line");

    auto* show = leaf(lab, "show", "Show one lab", "stowage lab show lab1", lab_show);
    show->add_option("name", raw_.name, "The lab")->required();

    auto* remove =
        leaf(lab, "delete", "Unregister and unexport a lab; its data stays unless --purge-data is given",
             "stowage lab delete lab1 --purge-data --confirm lab1", lab_delete);
    remove->add_option("name", raw_.name, "The lab")->required();
    remove->add_flag("--purge-data", raw_.purge,
                     "Delete all its data too, also what an earlier delete kept; asks for the name again");
    remove->add_option("--confirm", raw_.confirm, "The lab's name again, instead of being asked")
        ->type_name("NAME");
}

void CommandLine::declare_users() {
    auto& user = *group("user", "Make, change and remove FTPS users");
    auto* add = leaf(user, "add",
                     "Make a user of a lab, of FTPS and (by email address) of Run:ai; secrets are shown once",
                     "stowage user add alice@example.org --lab lab1", user_add);
    add->add_option("name", raw_.name, "Email address, or letters, digits and . _ - @ +; at most 64")
        ->required();
    add->add_option("--lab", raw_.lab, "The user's lab")->required()->type_name("LAB");
    add->add_option("--project", raw_.project,
                    "Run:ai project; default: LAB-default-project, or the only one")
        ->type_name("NAME");
    add->add_option("--role", raw_.roles, "Run:ai role in it, repeatable; default: the three usual ones")
        ->type_name("NAME")
        ->allow_extra_args(false);
    add->add_flag("--ftps-only", raw_.ftps_only, "No user of Run:ai, whatever the name looks like");
    add_password_options(*add);

    auto* passwd = leaf(user, "passwd", "Give a user a new password",
                        "stowage user passwd alice --password-stdin < file", user_passwd);
    passwd->add_option("name", raw_.name, "The user")->required();
    add_password_options(*passwd);

    auto* list = leaf(user, "list", "List the users", "stowage user list --lab lab1", user_list);
    list->add_option("--lab", raw_.lab, "Only those of this lab")->type_name("LAB");
    list->add_flag("--names", raw_.names_only, "Names only, one a line");

    auto* remove = leaf(user, "remove", "Remove a user; files stay with the lab", "stowage user remove alice",
                        user_remove);
    remove->add_option("name", raw_.name, "The user")->required();
}

void CommandLine::declare_online() {
    auto* online = leaf(app_, "sessions", "Show who is logged in over FTPS and what they are doing",
                        "stowage sessions --lab lab1", sessions);
    online->add_option("--lab", raw_.lab, "Only those of this lab")->type_name("LAB");
    online->add_option("--user", raw_.user, "Only those of this user")->type_name("USER");
    auto* kill = leaf(*online, "kill", "End a session; a transfer that runs is aborted",
                      "stowage sessions kill 17", session_kill);
    kill->add_option("id", raw_.name, "The session's number, as `stowage sessions` shows it")->required();

    auto* clients =
        leaf(app_, "clients", "Show who is connected to the NFS server, and which labs they may mount",
             "stowage clients lab1", nfs_clients);
    clients->add_option("lab", raw_.name, "Only those who may mount this lab");

    auto& ban = *group("bans", "Show and lift bans of addresses with too many refused logins");
    leaf(ban, "list", "List the banned addresses", "stowage bans list --json", bare<BanList>);
    auto* clear =
        leaf(ban, "clear", "Let a banned address in again", "stowage bans clear 192.0.2.7", ban_clear);
    clear->add_option("address", raw_.name, "The address, as `stowage bans list` shows it");
    clear->add_flag("--all", raw_.all, "Every address");
}

void CommandLine::declare_site() {
    auto* plan_app = leaf(app_, "plan", "Show what apply would do; exits 3 if changes are pending",
                          "stowage plan site.yaml", plan);
    plan_app->add_option("file", raw_.file, "site.yaml: labs, users and Run:ai")->required();
    plan_app->add_flag("--adopt", raw_.adopt, "As if apply were told to take over what is there");

    auto* apply_app = leaf(app_, "apply", "Make the labs and users of a file so; what it does not name stays",
                           "stowage apply site.yaml --secrets-file new-users.txt", apply);
    apply_app->add_option("file", raw_.file, "site.yaml: labs, users and Run:ai")->required();
    apply_app->add_flag(
        "--adopt", raw_.adopt,
        "Take over what is in Run:ai already and not ours, and change it to be as the file says");
    apply_app
        ->add_option(
            "--secrets-file", raw_.secrets_file,
            "Write new users' passwords to this new file (mode 0600, made first) instead of showing them")
        ->type_name("FILE");
}

void CommandLine::declare_secrets() {
    auto* prune_app =
        leaf(app_, "prune", "Delete in Run:ai what stowage made there and the file does not name",
             "stowage prune site.yaml", prune);
    prune_app->add_option("file", raw_.file, "site.yaml: labs, users and Run:ai")->required();
    prune_app->add_option("--confirm", raw_.confirm_count, "How many things go, instead of being asked")
        ->type_name("COUNT");
    auto* doctor_app =
        leaf(app_, "doctor", "Look for what is wrong without saying so; exits 3 if something is",
             "stowage doctor", doctor);
    add_config_options(*doctor_app, of_gateway);
    doctor_app->add_flag("--fix", raw_.fix,
                         "Set right what stowage made in Run:ai, by applying the site again");
    auto* secrets_app = leaf(app_, "secrets", "Show secrets of new users that nobody has seen yet, once",
                             "stowage secrets --secrets-file new-users.txt", secrets);
    secrets_app
        ->add_option("--secrets-file", raw_.secrets_file,
                     "Write them to this new file (mode 0600, made first) instead of showing them")
        ->type_name("FILE");
}

void CommandLine::declare_service() {
    auto* status_app =
        leaf(app_, "status", "Show the gateway's processes and labs; exits 3 if a lab is not ready",
             "stowage status", status);
    status_app->add_flag("--metrics", raw_.metrics,
                         "As Prometheus' textfile collector reads it; exits 0 or 1");
    auto* verify_app =
        leaf(app_, "verify", "Mount a lab as a pod would, write, read back; read back its data source",
             "stowage verify lab1", verify);
    verify_app->add_option("lab", raw_.name, "The lab")->required();
    auto* check_app =
        leaf(app_, "check", "Check the configuration, changing nothing; exits 78 if something is wrong",
             "stowage check --config stowage.yaml --set ftps.port=2121", check);
    add_config_options(*check_app, the_file);
    check_app->add_option("--site", raw_.site, "Check this site file instead")->type_name("FILE");

    auto& config = *group("config", "Print what can be configured");
    leaf(config, "reference", "Print the reference page of all keys (Markdown)",
         "stowage config reference | less", bare<ConfigReference>);
    leaf(config, "example", "Print a configuration file with every key commented out",
         "stowage config example > stowage.yaml", bare<ConfigExample>);
    auto* completion = leaf(app_, "completion", "Print the completion script of a shell",
                            "source <(stowage completion bash)", bare<Completion>);
    completion->add_option("shell", raw_.shell, "bash")->required()->check(CLI::IsMember({"bash"}));
    auto* pages = leaf(app_, "manual", "Print a page of the manual, as man(1) reads it",
                       "stowage manual stowage.yaml | man -l -", manual);
    pages->add_option("page", raw_.name, "stowage or stowage.yaml")
        ->required()
        ->check(CLI::IsMember({"stowage", "stowage.yaml"}));
    leaf(app_, "version", "Print the version", "stowage version", bare<Version>);
}

void CommandLine::declare_care() {
    auto& tls = *group("tls", "Show and replace the FTPS server's certificate");
    auto* install =
        leaf(tls, "install", "Check a certificate and its key, put them in place and have them used",
             "stowage tls install fullchain.pem privkey.pem --name storage.example.org", tls_install);
    install->add_option("certificate", raw_.certificate, "PEM: the server's certificate, then its issuers'")
        ->required();
    install->add_option("key", raw_.key, "PEM, without passphrase, readable by root only")->required();
    install
        ->add_option(
            "--name", raw_.tls_names,
            "A name or address that clients connect to, which it must be for; repeatable. Default: one of "
            "this host's")
        ->type_name("NAME")
        ->allow_extra_args(false);
    add_config_options(*install, of_gateway);
    auto* show =
        leaf(tls, "show", "Show the certificate: whose, for which names, until when, and whether it is used",
             "stowage tls show", tls_show);
    add_config_options(*show, of_gateway);

    auto* save = leaf(app_, "backup", "Save what the gateway needs to be set up again; it may run meanwhile",
                      "stowage backup /var/backups/stowage-2026-11-25", backup);
    save->add_option("folder", raw_.folder, "A new folder; it will hold secrets")->required();
    add_config_options(*save, the_file);
    auto* put_back = leaf(app_, "restore", "Put a backup back in place; the gateway must not run",
                          "stowage restore /var/backups/stowage-2026-11-25", restore);
    put_back->add_option("folder", raw_.folder, "What `stowage backup` made")->required();
    put_back->add_flag("--replace", raw_.replace, "Replace what is there already");
    add_config_options(*put_back, the_file);
}

CommandLine::CommandLine() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_flag("--json", raw_.json, "JSON (one object, or one event a line) instead of words");
    app_.set_version_flag("--version", STOWAGE_VERSION, "Print the version");
    app_.add_flag("--no-color", raw_.no_colour, "No colours; NO_COLOR does the same");
    app_.add_option("--socket", raw_.socket, "The gateway's control socket; default: control.sock in run_dir")
        ->envname("STOWAGE_SOCKET")
        ->type_name("PATH");
    app_.add_option(
            "--timeout", raw_.timeout,
            "Give up when the gateway says nothing for so long; default: 120 for an answer, 600 between "
            "two events")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 86400u, "1 to 86400"));
    app_.footer(
        "Exit codes: 0 done, 1 failed, 2 usage, 3 not everything converged, 78 configuration.\n"
        "Example:\n  stowage lab create lab1 --quota 10TiB && stowage user add alice --lab lab1");
    declare_labs();
    declare_users();
    declare_online();
    declare_site();
    declare_secrets();
    declare_care();
    declare_service();
}

}  // namespace stowage::cli
