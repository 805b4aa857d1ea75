// The tree of commands, as CLI11 has it.
// Runs in: CLI.
#pragma once

#include <CLI/App.hpp>

#include "gateway/cli/arguments.hpp"
#include "gateway/cli/raw_arguments.hpp"

namespace stowage::cli {

/// A leaf command: how to declare it and how to check its values.
struct Leaf {
    CLI::App* app;
    CheckRaw checked;
};

/// Every command with its options, and what was typed.
class CommandLine {
  public:
    CommandLine();
    Result<std::variant<Invocation, HelpText>> parse(int argc, const char* const* argv);
    const CLI::App& app() const { return app_; }

  private:
    CLI::App* group(const char* name, const char* what);
    CLI::App* leaf(CLI::App& parent, const char* name, const char* what, const char* example,
                   CheckRaw checked);
    void declare_labs();
    void declare_users();
    void declare_online();
    void declare_site();
    void declare_secrets();
    void declare_service();
    void declare_care();
    void add_password_options(CLI::App& app);
    void add_config_options(CLI::App& app, const std::string& by_default);
    void add_lab_options(CLI::App& app, const std::string& more_of_quota, const std::string& more_of_inodes,
                         const std::string& more_of_clients);
    const CLI::App* deepest() const;
    Error refusal_of(const CLI::ParseError& problem) const;
    Result<std::variant<Invocation, HelpText>> invocation() const;

    CLI::App app_{"Labs of a storage gateway: FTPS in, NFS out, registered in Run:ai.", "stowage"};
    Raw raw_;
    std::vector<Leaf> leaves_;
};

}  // namespace stowage::cli
