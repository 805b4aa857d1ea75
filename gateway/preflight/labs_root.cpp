// Whether labs.root is the filesystem that an admin meant, and who may mount what is made there.
// Runs in: supervisor, CLI.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/preflight/findings.hpp"

namespace stowage {

namespace {

namespace fs = std::filesystem;
using Severity = Finding::Severity;

bool is_on_root_filesystem(const std::string& path) {
    struct stat here {
    }, root{};
    return ::stat(path.c_str(), &here) == 0 && ::stat("/", &root) == 0 && here.st_dev == root.st_dev;
}

/// A file of ours that exports a lab of this labs.root: labs were made.
std::string exported_lab(const std::string& folder, std::string_view start, std::string_view end,
                         const std::string& before) {
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), last; !failed && entry != last;
         entry.increment(failed)) {
        const auto name = entry->path().filename().string();
        if (!name.starts_with(start) || !name.ends_with(end)) continue;
        const auto text = read_file(entry->path().string());
        if (text && text->find(before) != std::string::npos) return entry->path().string();
    }
    return {};
}

std::string exported_lab(const Config& config) {
    auto file = exported_lab(config.nfs.exports_dir, "stowage-", ".exports", "\n" + config.labs.root + "/");
    if (!file.empty()) return file;
    return exported_lab(config.state_dir + "/ganesha/exports", "", ".conf",
                        "# path: " + config.labs.root + "/");
}

}  // namespace

void check_labs_filesystem(const Config& config, Findings& findings) {
    const auto& root = config.labs.root;
    std::error_code failed;
    const auto exported = exported_lab(config);
    if (!exported.empty() && !fs::exists(fs::symlink_status(root + "/.stowage-root", failed)))
        findings.add(
            Severity::warning, "labs.root",
            {Code::unavailable,
             fmt::format("{} is not the filesystem on which labs were made: {} exports one, and there "
                         "is no {}/.stowage-root",
                         root, exported, root),
             "mount it"});
    else if (is_on_root_filesystem(root))
        findings.add(Severity::warning, "labs.root",
                     {Code::config,
                      fmt::format("{} lies on the root filesystem: labs that fill it stop this machine, and "
                                  "quotas are not enforced there by default",
                                  root),
                      fmt::format("mount a filesystem for the labs on {}, with project quotas, before the "
                                  "first lab is made (admin guide, \"Filesystems and their quotas\")",
                                  root)});
}

void check_default_clients(const Config& config, Findings& findings) {
    const auto& clients = config.labs.default_clients;
    const bool own = std::all_of(clients.begin(), clients.end(), [](const std::string& text) {
        const auto client = parse_client(text);
        return client && (is_in({"127.0.0.0/8"}, client->network.substr(0, client->network.find('/'))) ||
                          client->network.starts_with("::1/"));
    });
    if (own)
        findings.add(
            Severity::note, "labs.default_clients",
            {Code::config, "labs that are made without --clients can be mounted by this machine alone",
             "name the pods' and nodes' networks in labs.default_clients, or with --clients"});
}

}  // namespace stowage
