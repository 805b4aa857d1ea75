// The list that the single checks write into.
// Runs in: supervisor, CLI.
#pragma once

#include "gateway/preflight/preflight.hpp"

namespace stowage {

class Findings {
  public:
    using Severity = Finding::Severity;

    void add(Severity severity, std::string key, Error error) {
        list_.push_back({severity, std::move(key), std::move(error)});
    }
    void add_error(std::string key, std::string what, std::string remedy) {
        add(Severity::error, std::move(key), {Code::config, std::move(what), std::move(remedy)});
    }
    /// What may be another at the next try: a start ends with 1 for it and not with 78.
    void add_passing(std::string key, std::string what, std::string remedy) {
        add(Severity::error, std::move(key), {Code::unavailable, std::move(what), std::move(remedy)});
    }
    /// A refusal is an error; what only root can look at is a note.
    void add_refusal(std::string key, const Error& error) {
        if (error.code == Code::denied)
            return add(Severity::note, std::move(key),
                       {error.code, error.what, "run this as root to check it"});
        const bool passes = error.code == Code::unavailable;
        add(Severity::error, std::move(key),
            {passes ? Code::unavailable : Code::config, error.what, error.remedy});
    }
    template <typename T>
    void expect(std::string key, const Result<T>& checked) {
        if (!checked) add_refusal(std::move(key), checked.error());
    }
    std::vector<Finding> take() { return std::move(list_); }

  private:
    std::vector<Finding> list_;
};

/// Run:ai's settings, secret and certificates.
void check_runai(const Config& config, Findings& findings);

/// Modules of the PAM service that are not installed, each a warning.
/// @param modules folders in which libpam looks for them
void check_pam_modules(const Config& config, const std::vector<std::string>& modules, Findings& findings);
/// Those of this machine.
std::vector<std::string> pam_module_folders();

/// Whether labs.root is a filesystem for labs, and the one on which they were made.
void check_labs_filesystem(const Config& config, Findings& findings);
/// Who may mount labs that are made without --clients.
void check_default_clients(const Config& config, Findings& findings);

/// Others who have ids of labs, and processes' accounts that somebody else may be.
/// @param etc where passwd, group, subuid and subgid are
void check_uid_owners(const Config& config, const std::string& etc, Findings& findings);

}  // namespace stowage
