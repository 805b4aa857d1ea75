// Formatting of names, modes and facts.
// Runs in: worker.
#include "ftps/worker/listing_lines.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "ftps/worker/file_times.hpp"

namespace stowage::ftps {

namespace {

struct FactName {
    Fact fact;
    std::string_view name;
};
constexpr FactName fact_table[] = {{Fact::type, "type"}, {Fact::size, "size"},     {Fact::modify, "modify"},
                                   {Fact::perm, "perm"}, {Fact::unique, "unique"}, {Fact::mode, "UNIX.mode"}};

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

char type_letter(mode_t mode) {
    if (S_ISDIR(mode)) return 'd';
    if (S_ISLNK(mode)) return 'l';
    if (S_ISFIFO(mode)) return 'p';
    if (S_ISSOCK(mode)) return 's';
    if (S_ISCHR(mode)) return 'c';
    return S_ISBLK(mode) ? 'b' : '-';
}

std::string mode_text(mode_t mode) {
    std::string text(1, type_letter(mode));
    for (int shift = 6; shift >= 0; shift -= 3) {
        text += mode >> shift & 4 ? 'r' : '-';
        text += mode >> shift & 2 ? 'w' : '-';
        text += mode >> shift & 1 ? 'x' : '-';
    }
    if (mode & S_ISUID) text[3] = mode & 0100 ? 's' : 'S';
    if (mode & S_ISGID) text[6] = mode & 0010 ? 's' : 'S';
    if (mode & S_ISVTX) text[9] = mode & 0001 ? 't' : 'T';
    return text;
}

// RFC 3659 §7.5.5, by the owner's bits: everything in a lab belongs to its one owner, who we are. An upload
// takes its name by a rename, so it needs rights in the directory (to read it too: it is synced), not in the
// old file; APPE reads the old file besides.
std::string perm_text(const Seen& seen) {
    const auto mode = seen.stat.st_mode;
    const bool is_file = S_ISREG(mode), is_directory = S_ISDIR(mode), may_read = mode & 0400;
    const bool may_rename = (seen.parent_rights & (W_OK | X_OK)) == (W_OK | X_OK);
    const bool may_upload = may_rename && (seen.parent_rights & R_OK);
    std::string text;
    if (is_file && may_read && may_upload) text += 'a';
    if (is_directory && (mode & 0700) == 0700) text += 'c';
    if (may_rename) text += 'd';
    if (is_directory && (mode & 0500) == 0500) text += 'e';
    if (may_rename) text += 'f';
    if (is_directory && may_read) text += 'l';
    if (is_directory && (mode & 0300) == 0300) text += "mp";
    if (is_file && may_read) text += 'r';
    if (is_file && may_upload) text += 'w';
    return text;
}

std::string type_text(mode_t mode, std::string_view link_target) {
    if (S_ISDIR(mode)) return "dir";
    if (S_ISREG(mode)) return "file";
    if (!S_ISLNK(mode)) return "OS.unix=special";
    const bool plain = !link_target.empty() && std::none_of(link_target.begin(), link_target.end(),
                                                            [](char c) { return is_control(c) || c == ';'; });
    return plain ? fmt::format("OS.unix=slink:{}", link_target) : "OS.unix=slink";
}

bool same_letters(std::string_view a, std::string_view b) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [low](char x, char y) { return low(x) == low(y); });
}

}  // namespace

std::string line_name(std::string_view name) {
    std::string text(name);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, '?');
    return text;
}

std::string list_line(const Seen& seen, std::string_view owner, std::int64_t now) {
    auto line = fmt::format("{} {:3} {:<8} {:<8} {:>12} {} {}", mode_text(seen.stat.st_mode),
                            seen.stat.st_nlink, owner, owner, seen.stat.st_size,
                            list_time(seen.stat.st_mtime, now), line_name(seen.name));
    if (S_ISLNK(seen.stat.st_mode)) line += " -> " + line_name(seen.link_target);
    return line;
}

std::string facts(const Seen& seen, unsigned chosen) {
    const auto& stat = seen.stat;
    const auto wants = [chosen](Fact fact) { return (chosen & static_cast<unsigned>(fact)) != 0; };
    std::string text;
    if (wants(Fact::type)) text += fmt::format("type={};", type_text(stat.st_mode, seen.link_target));
    if (wants(Fact::size) && S_ISREG(stat.st_mode)) text += fmt::format("size={};", stat.st_size);
    if (wants(Fact::modify)) text += fmt::format("modify={};", fact_time(stat.st_mtime));
    if (wants(Fact::perm)) text += fmt::format("perm={};", perm_text(seen));
    if (wants(Fact::unique)) text += fmt::format("unique={:x}g{:x};", stat.st_dev, stat.st_ino);
    if (wants(Fact::mode)) text += fmt::format("UNIX.mode={:04o};", stat.st_mode & 07777);
    return text;
}

std::string fact_line(const Seen& seen, unsigned chosen) {
    return facts(seen, chosen) + " " + line_name(seen.name);
}

std::string fact_names(unsigned chosen, bool starred) {
    std::string text;
    for (const auto& [fact, name] : fact_table) {
        const bool is_chosen = (chosen & static_cast<unsigned>(fact)) != 0;
        if (!starred && !is_chosen) continue;
        text += fmt::format("{}{};", name, starred && is_chosen ? "*" : "");
    }
    return text;
}

unsigned parse_facts(std::string_view text) {
    unsigned chosen = 0;
    while (!text.empty()) {
        const auto end = text.find(';');
        for (const auto& [fact, name] : fact_table)
            if (same_letters(name, text.substr(0, end))) chosen |= static_cast<unsigned>(fact);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return chosen;
}

ListArgument parse_list_argument(std::string_view argument) {
    constexpr std::string_view letters = "1aAcCdFghiklLmnopqrRsStuUx";
    ListArgument parsed;
    while (argument.starts_with('-')) {
        const auto end = argument.find(' ');
        const auto word = argument.substr(0, end), flags = word.substr(1);
        const bool ends_flags = flags == "-";
        if (!ends_flags && (flags.empty() || flags.find_first_not_of(letters) != std::string_view::npos))
            break;
        argument.remove_prefix(end == std::string_view::npos ? argument.size() : end + 1);
        if (ends_flags) break;
        parsed.recursive = parsed.recursive || flags.find('R') != std::string_view::npos;
        parsed.itself = parsed.itself || flags.find('d') != std::string_view::npos;
    }
    parsed.path = argument;
    return parsed;
}

}  // namespace stowage::ftps
