// The modules that a PAM service names: libpam takes one that is not installed for one that always fails, and
// says so in the journal alone.
// Runs in: supervisor, CLI. Source: pam.conf(5), and @include of Debian's libpam.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>

#include "gateway/base/atomic_file.hpp"
#include "gateway/preflight/findings.hpp"

namespace stowage {

namespace {

constexpr std::string_view blanks = " \t";

/// The next word of a line; one in brackets, such as [success=1 default=ignore], is one.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const auto end = line.starts_with('[') ? line.find(']') : line.find_first_of(blanks);
    const auto size = end == line.npos ? line.size() : end + (line.starts_with('[') ? 1 : 0);
    const auto word = line.substr(0, size);
    line.remove_prefix(size);
    return word;
}

bool is_there(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0 || errno != ENOENT;
}

class ModuleCheck {
  public:
    ModuleCheck(std::vector<std::string> services, std::vector<std::string> modules, Findings& findings)
        : services_(std::move(services)), modules_(std::move(modules)), findings_(findings) {}

    /// Files that cannot be read are left out: check_pam_service() tells of the service's own.
    void read(const std::string& name) {
        const auto path = file_of(name);
        if (!path || !read_.insert(*path).second) return;
        const auto text = read_file(*path);
        if (!text) return;
        std::istringstream lines(*text);
        std::string line, more;
        for (int number = 1; std::getline(lines, line); ++number) {
            const int first = number;
            while (line.ends_with('\\') && std::getline(lines, more)) {
                line.back() = ' ';
                line += more;
                ++number;
            }
            look_at(std::string_view(line).substr(0, line.find('#')), fmt::format("{}:{}", *path, first));
        }
    }

  private:
    std::optional<std::string> file_of(const std::string& name) const {
        if (name.starts_with('/')) return name;
        for (const auto& folder : services_)
            if (auto path = folder + "/" + name; ::access(path.c_str(), R_OK) == 0) return path;
        return std::nullopt;
    }

    /// Of accounts and passwords alone: the gateway opens no session. With a - in front of it a line whose
    /// module is not there is none.
    void look_at(std::string_view line, const std::string& where) {
        const auto type = take_word(line);
        if (type == "@include") return read(std::string(take_word(line)));
        if (type != "auth" && type != "account") return;
        const auto control = take_word(line);
        const std::string what(take_word(line));
        if (control == "include" || control == "substack") return read(what);
        if (what.empty() || what.find('$') != what.npos || is_installed(what)) return;
        const auto name = std::filesystem::path(what).stem().string();
        const auto package = name.starts_with("pam_") ? "libpam-" + name.substr(4) : "the one that holds it";
        findings_.add(
            Finding::Severity::warning, "accounts.pam_service",
            {Code::not_found,
             fmt::format("{} names {}, which is not installed: logins that come to it are refused", where,
                         what),
             fmt::format("install its package (on Debian most likely {}), or change the line", package)});
    }

    bool is_installed(const std::string& module) const {
        if (module.starts_with('/')) return is_there(module);
        return modules_.empty() || std::any_of(modules_.begin(), modules_.end(), [&](const auto& folder) {
                   return is_there(folder + "/" + module);
               });
    }

    std::vector<std::string> services_, modules_;
    Findings& findings_;
    std::set<std::string> read_;
};

}  // namespace

std::vector<std::string> pam_module_folders() {
    std::vector<std::string> folders;
    std::error_code failed;
    for (const auto* library : {"/lib", "/usr/lib", "/lib64", "/usr/lib64"}) {
        folders.push_back(std::string(library) + "/security");
        for (std::filesystem::directory_iterator entry(library, failed), end; !failed && entry != end;
             entry.increment(failed))
            folders.push_back(entry->path().string() + "/security");
    }
    std::erase_if(folders, [](const std::string& folder) { return ::access(folder.c_str(), F_OK) != 0; });
    return folders;
}

void check_pam_modules(const Config& config, const std::vector<std::string>& modules, Findings& findings) {
    const auto& confdir = config.accounts.pam_confdir;
    const auto services = confdir.empty() ? std::vector<std::string>{"/etc/pam.d", "/usr/lib/pam.d"}
                                          : std::vector<std::string>{confdir};
    ModuleCheck(services, modules, findings).read(config.accounts.pam_service);
}

}  // namespace stowage
