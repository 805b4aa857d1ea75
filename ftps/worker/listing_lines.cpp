// Formatting of names, modes and facts.
// Runs in: worker.
#include "ftps/worker/listing_lines.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "ftps/worker/file_times.hpp"

namespace stowage::ftps {

namespace {

struct FactName {
    Fact fact;
    std::string_view name;
};
constexpr FactName fact_table[] = {{Fact::type, "type"},     {Fact::size, "size"}, {Fact::modify, "modify"},
                                   {Fact::create, "create"}, {Fact::perm, "perm"}, {Fact::unique, "unique"},
                                   {Fact::mode, "UNIX.mode"}};

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

void append_mode(std::string& out, mode_t mode) {
    std::array<char, 10> text;
    text[0] = type_letter(mode);
    for (std::size_t i = 0; i < 9; ++i)
        text[i + 1] = mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    if (mode & S_ISUID) text[3] = mode & 0100 ? 's' : 'S';
    if (mode & S_ISGID) text[6] = mode & 0010 ? 's' : 'S';
    if (mode & S_ISVTX) text[9] = mode & 0001 ? 't' : 'T';
    out.append(text.data(), text.size());
}

/// Blanks on the left up to `width`.
void append_right(std::string& out, std::int64_t number, std::size_t width) {
    const fmt::format_int digits(number);
    if (digits.size() < width) out.append(width - digits.size(), ' ');
    out.append(digits.data(), digits.size());
}

/// Blanks on the right up to eight characters; names of labs are ASCII.
void append_owner(std::string& out, std::string_view owner) {
    out += owner;
    if (owner.size() < 8) out.append(8 - owner.size(), ' ');
}

/// The facts of one line, which are short but for the target of a link; they reach the line in one piece.
class Facts {
  public:
    void add(char c) { text_[size_++] = c; }
    void add(std::string_view text) {
        std::copy(text.begin(), text.end(), &text_[size_]);
        size_ += text.size();
    }
    void add_decimal(std::uint64_t number) {
        const fmt::format_int digits(number);
        add(std::string_view(digits.data(), digits.size()));
    }
    void add_hex(std::uint64_t number) {
        auto* const begin = &text_[size_];
        size_ += static_cast<std::size_t>(std::to_chars(begin, begin + 16, number, 16).ptr - begin);
    }
    void add_octal4(unsigned number) {
        for (int shift = 9; shift >= 0; shift -= 3)
            add(static_cast<char>('0' + (number >> shift & 7)));
    }
    void add_time(std::int64_t seconds) {
        const auto digits = fact_digits(seconds);
        add(std::string_view(digits.data(), digits.size()));
    }
    void move_to(std::string& line) {
        line.append(text_.data(), size_);
        size_ = 0;
    }

  private:
    std::array<char, 256> text_;  // all facts with their longest values have 163
    std::size_t size_ = 0;
};

// RFC 3659 §7.5.5, by the owner's bits: everything in a lab belongs to its one owner, who we are. An upload
// takes its name by a rename, so it needs rights in the directory (to read it too: it is synced), not in the
// old file; APPE reads the old file besides.
void add_perm(Facts& out, const Seen& seen) {
    const auto mode = seen.stat.st_mode;
    const bool is_file = S_ISREG(mode), is_directory = S_ISDIR(mode), may_read = mode & 0400;
    const bool may_rename = (seen.parent_rights & (W_OK | X_OK)) == (W_OK | X_OK);
    const bool may_upload = may_rename && (seen.parent_rights & R_OK);
    if (is_file && may_read && may_upload) out.add('a');
    if (is_directory && (mode & 0700) == 0700) out.add('c');
    if (may_rename) out.add('d');
    if (is_directory && (mode & 0500) == 0500) out.add('e');
    if (may_rename) out.add('f');
    if (is_directory && may_read) out.add('l');
    if (is_directory && (mode & 0300) == 0300) out.add("mp");
    if (is_file && may_read) out.add('r');
    if (is_file && may_upload) out.add('w');
}

// Apart, as few names are links.
[[gnu::noinline]] void add_link(Facts& out, std::string& line, std::string_view target) {
    const bool plain = !target.empty() && std::none_of(target.begin(), target.end(),
                                                       [](char c) { return is_control(c) || c == ';'; });
    out.add("OS.unix=slink");
    if (!plain) return;
    out.add(':');
    out.move_to(line);
    line += target;
}

void append_facts(std::string& line, const Seen& seen, unsigned chosen) {
    Facts out;
    const auto& stat = seen.stat;
    const auto wants = [chosen](Fact fact) { return (chosen & static_cast<unsigned>(fact)) != 0; };
    if (wants(Fact::type)) {
        out.add("type=");
        if (S_ISLNK(stat.st_mode))
            add_link(out, line, seen.link_target);
        else
            out.add(S_ISDIR(stat.st_mode) ? "dir" : S_ISREG(stat.st_mode) ? "file" : "OS.unix=special");
        out.add(';');
    }
    if (wants(Fact::size) && S_ISREG(stat.st_mode)) {
        out.add("size=");
        out.add_decimal(static_cast<std::uint64_t>(stat.st_size));
        out.add(';');
    }
    if (wants(Fact::modify)) {
        out.add("modify=");
        out.add_time(stat.st_mtime);
        out.add(';');
    }
    if (wants(Fact::create) && seen.created) {
        out.add("create=");
        out.add_time(*seen.created);
        out.add(';');
    }
    if (wants(Fact::perm)) {
        out.add("perm=");
        add_perm(out, seen);
        out.add(';');
    }
    if (wants(Fact::unique)) {
        out.add("unique=");
        out.add_hex(stat.st_dev);
        out.add('g');
        out.add_hex(stat.st_ino);
        out.add(';');
    }
    if (wants(Fact::mode)) {
        out.add("UNIX.mode=");
        out.add_octal4(stat.st_mode & 07777);
        out.add(';');
    }
    out.move_to(line);
}

bool same_letters(std::string_view a, std::string_view b) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [low](char x, char y) { return low(x) == low(y); });
}

}  // namespace

std::string line_name(std::string_view name) {
    std::string text;
    append_line_name(text, name);
    return text;
}

void append_line_name(std::string& line, std::string_view name) {
    const auto begin = line.size();
    line += name;
    std::replace_if(
        line.begin() + static_cast<std::ptrdiff_t>(begin), line.end(),
        [](char c) { return c == '\r' || c == '\n'; }, '?');
}

void append_list_line(std::string& line, const Seen& seen, std::string_view owner, std::int64_t now) {
    append_mode(line, seen.stat.st_mode);
    line += ' ';
    append_right(line, static_cast<std::int64_t>(seen.stat.st_nlink), 3);
    line += ' ';
    append_owner(line, owner);
    line += ' ';
    append_owner(line, owner);
    line += ' ';
    append_right(line, seen.stat.st_size, 12);
    line += ' ';
    line += list_time(seen.stat.st_mtime, now);
    line += ' ';
    append_line_name(line, seen.name);
    if (!S_ISLNK(seen.stat.st_mode)) return;
    line += " -> ";
    append_line_name(line, seen.link_target);
}

std::string facts(const Seen& seen, unsigned chosen) {
    std::string text;
    append_facts(text, seen, chosen);
    return text;
}

void append_fact_line(std::string& line, const Seen& seen, unsigned chosen) {
    append_facts(line, seen, chosen);
    line += ' ';
    append_line_name(line, seen.name);
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
