// Rendering and reading of exports(5) lines.
// Runs in: root_step. Distrusts: etab.
#include "nfs/exports/exports_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "gateway/base/octal_escapes.hpp"
#include "nfs/exports/split.hpp"

namespace stowage::nfs {

namespace {

struct EtabLine {
    std::string path, client;
    std::set<std::string, std::less<>> options;
};

/// "path<TAB>client(option,option)"; anything else is an empty line to us.
EtabLine parse_line(std::string_view line) {
    const auto tab = line.find('\t');
    const auto open = line.find('(', tab == std::string_view::npos ? 0 : tab);
    if (tab == std::string_view::npos || open == std::string_view::npos || line.back() != ')') return {};
    EtabLine result{
        without_octal_escapes(line.substr(0, tab)), std::string(line.substr(tab + 1, open - tab - 1)), {}};
    for (const auto option : split(line.substr(open + 1, line.size() - open - 2), ','))
        result.options.emplace(option);
    return result;
}

std::vector<EtabLine> lines_of(std::string_view etab, std::string_view path) {
    std::vector<EtabLine> lines;
    for (const auto text : split(etab, '\n'))
        if (auto line = parse_line(text); !line.path.empty() && line.path == path)
            lines.push_back(std::move(line));
    return lines;
}

/// The path of somebody's line, without quotes, escapes and slashes at its end.
std::string first_word(std::string_view line) {
    std::string word;
    bool quoted = false;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    for (const char byte : line) {
        if (!quoted && (byte == ' ' || byte == '\t')) break;
        if (byte == '"')
            quoted = !quoted;
        else
            word += byte;
    }
    auto path = without_octal_escapes(word);
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

/// What each etab line of ours must hold. exportfs prints ids as signed numbers.
std::vector<std::string> wanted_options(const Export& meant, const std::string& client,
                                        const std::string& mount_point) {
    std::vector<std::string> options = {
        meant.reads_only(client) ? "ro" : "rw",
        "sync",
        "no_subtree_check",
        "root_squash",
        "all_squash",
        "nocrossmnt",
        "sec=" + meant.security,
        fmt::format("anonuid={}", static_cast<std::int32_t>(meant.uid)),
        fmt::format("anongid={}", static_cast<std::int32_t>(meant.gid)),
        "fsid=" + to_text(meant.fsid),
    };
    if (meant.transport != "none") options.push_back("xprtsec=" + meant.transport);
    if (!mount_point.empty())
        options.push_back(mount_point == meant.path ? "mountpoint" : "mountpoint=" + mount_point);
    return options;
}

/// What takes the meaning of the above away.
std::vector<std::string_view> unwanted_options(const Export& meant, const std::string& client) {
    std::vector<std::string_view> options = {"async",    "no_root_squash", "no_all_squash", "crossmnt",
                                             "insecure", "nohide",         "subtree_check", "sec=none"};
    options.push_back(meant.reads_only(client) ? "rw" : "ro");
    if (meant.security != "sys") options.push_back("sec=sys");
    return options;
}

Result<void> compare_line(const EtabLine& line, const Export& meant, const std::string& mount_point) {
    for (const auto& option : wanted_options(meant, line.client, mount_point))
        if (!line.options.contains(option))
            return Error{Code::differs,
                         fmt::format("{} has no {} for {} in etab", meant.path, option, line.client)};
    for (const auto option : unwanted_options(meant, line.client))
        if (line.options.contains(option))
            return Error{Code::differs,
                         fmt::format("{} has {} for {} in etab", meant.path, option, line.client),
                         "another file under /etc/exports.d or /etc/exports names this path"};
    return {};
}

}  // namespace

std::string quote_exports_path(std::string_view path) {
    std::string text;
    for (const unsigned char byte : path) {
        const bool plain =
            byte > 0x20 && byte < 0x7f && byte != '"' && byte != '#' && byte != '\\' && byte != '\'';
        text += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("\\{:03o}", byte);
    }
    return text;
}

std::string render_exports_file(const Export& meant, const std::string& mount_point) {
    std::string only_mounted;
    if (!mount_point.empty())
        only_mounted = mount_point == meant.path ? ",mp" : ",mp=" + quote_exports_path(mount_point);
    const auto options =
        fmt::format("sync,no_subtree_check,root_squash,all_squash,anonuid={},anongid={},fsid={}{}{},sec={}",
                    meant.uid, meant.gid, to_text(meant.fsid), only_mounted,
                    meant.transport == "none" ? "" : ",xprtsec=" + meant.transport, meant.security);
    std::string text = "# Lab " + meant.lab + ", written by stowage: changes are overwritten.\n";
    text += quote_exports_path(meant.path);
    // No blank between client and parenthesis: with one, the world would get the options.
    for (const auto& client : meant.clients)
        text += fmt::format(" {}(rw,{})", client, options);
    for (const auto& client : meant.read_only_clients)
        text += fmt::format(" {}(ro,{})", client, options);
    return text + "\n";
}

std::string path_in_exports_file(std::string_view text) {
    for (const auto line : split(text, '\n'))
        if (!line.empty() && line.front() == '/')
            return without_octal_escapes(line.substr(0, line.find(' ')));
    return {};
}

bool is_exports_file_of(std::string_view text, std::string_view path, const Uuid& fsid) {
    const auto recorded = path_in_exports_file(text);
    return recorded.empty() || recorded == path || text.find("fsid=" + to_text(fsid)) != text.npos;
}

std::vector<Admitted> admitted_in_exports_file(std::string_view text) {
    std::vector<Admitted> admitted;
    for (const auto line : split(text, '\n')) {
        if (line.empty() || line.front() != '/') continue;
        const auto words = split(line, ' ');
        for (const auto word : std::span(words).subspan(1)) {
            const auto open = word.find('('), close = word.rfind(')');
            if (open == word.npos || close == word.npos || close < open) continue;
            admitted.push_back({std::string(word.substr(0, open)),
                                without_octal_escapes(word.substr(open + 1, close - open - 1))});
        }
    }
    return admitted;
}

bool is_exported_by(std::string_view text, std::string_view path) {
    bool goes_on = false;
    for (auto line : split(text, '\n')) {
        const bool is_comment =
            line.starts_with('#') || line.find(" #") != line.npos || line.find("\t#") != line.npos;
        const bool is_continued = line.ends_with('\\') && !is_comment;  // a comment ends with its line
        if (is_continued) line.remove_suffix(1);
        const auto exported = goes_on ? std::string() : first_word(line);
        if (exported.starts_with('/') && exported == path) return true;
        goes_on = is_continued && (goes_on || !exported.empty());
    }
    return false;
}

bool fits_into_etab(std::string_view mount_point) {
    constexpr std::size_t beside_the_rest = 128;
    return mount_point.size() <= beside_the_rest && mount_point.find_first_of(",()") == mount_point.npos &&
           quote_exports_path(mount_point) == mount_point;
}

Result<void> compare_etab(std::string_view etab, const Export& meant, const std::string& mount_point) {
    const auto lines = lines_of(etab, meant.path);
    if (lines.empty()) return Error{Code::not_found, meant.path + " is not exported (etab)"};
    std::set<std::string, std::less<>> missing(meant.clients.begin(), meant.clients.end());
    missing.insert(meant.read_only_clients.begin(), meant.read_only_clients.end());
    for (const auto& line : lines) {
        if (!meant.admits(line.client))
            return Error{Code::differs,
                         fmt::format("{} is exported to {} too (etab)", meant.path, line.client),
                         "remove it from the other file under /etc/exports.d or from /etc/exports"};
        CHECK(compare_line(line, meant, mount_point));
        missing.erase(line.client);
    }
    if (!missing.empty())
        return Error{Code::differs,
                     fmt::format("{} is not exported to {} (etab)", meant.path, *missing.begin())};
    return {};
}

std::vector<std::string> etab_clients(std::string_view etab, std::string_view path) {
    std::vector<std::string> clients;
    for (auto& line : lines_of(etab, path))
        clients.push_back(std::move(line.client));
    return clients;
}

std::vector<std::string> etab_rights(std::string_view etab, std::string_view path) {
    std::vector<std::string> clients;
    for (const auto& line : lines_of(etab, path))
        clients.push_back(line.client + (line.options.contains("ro") ? ":ro" : ""));
    return clients;
}

}  // namespace stowage::nfs
