// What the controller would refuse of the runai.* keys, in the same words.
// Runs in: supervisor, CLI.
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "gateway/base/privileges.hpp"
#include "gateway/preflight/findings.hpp"
#include "gateway/preflight/secret_files.hpp"
#include "provisioning/runai/settings_check.hpp"

namespace stowage {

namespace {

/// Files are opened as this user would, while it lives. Nothing changes for whoever is not root.
class FilesAs {
  public:
    explicit FilesAs(uid_t uid) {
        if (::geteuid() != 0) return;
        const auto* entry = ::getpwuid(uid);
        ::setfsgid(entry ? entry->pw_gid : static_cast<gid_t>(uid));
        ::setfsuid(uid);
    }
    FilesAs(const FilesAs&) = delete;
    FilesAs& operator=(const FilesAs&) = delete;
    ~FilesAs() {
        ::setfsuid(::geteuid());
        ::setfsgid(::getegid());
    }
};

void check_trust(const Config& config, Findings& findings) {
    const auto& runai = config.runai;
    if (runai.insecure_skip_verify) {
        findings.add(Finding::Severity::warning, "runai.insecure_skip_verify",
                     {Code::config, "anybody on the way can pose as Run:ai and take the client secret",
                      "set runai.ca_bundle instead"});
        return;
    }
    if (!runai.url.starts_with("https:")) return;
    const auto controller = privileges::user_id(config.process.controller_user);
    if (!controller) return;  // told already
    const FilesAs reader(*controller);
    findings.expect("runai.ca_bundle", runai::check_ca_bundle(runai.ca_bundle));
}

}  // namespace

void check_runai(const Config& config, Findings& findings) {
    if (config.runai.url.empty()) {
        findings.add(Finding::Severity::note, "runai.url",
                     {Code::not_found, "no Run:ai: data sources are not registered"});
        return;
    }
    for (const auto& problem : runai::problems_in(config))
        findings.add_refusal(problem.key, problem.error);
    findings.expect("runai.client_secret_file", read_runai_secret(config));
    check_trust(config, findings);
}

}  // namespace stowage
