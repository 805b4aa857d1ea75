// Lines "uid 700003 lab3" and "export_id 1003".
// Runs in: CLI, controller.
#include "gateway/base/found_on_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/identity.hpp"

namespace stowage {

namespace {

/// The word before the next blank, taken off the front.
std::string_view take_word(std::string_view& line) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

template <typename Number>
bool read(std::string_view word, Number& number) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() && number != 0;
}

bool read_line(std::string_view line, FoundOnDisk& found) {
    const auto kind = take_word(line), number = take_word(line);
    if (kind == "export_id") return line.empty() && read(number, found.last_export_id);
    FoundOnDisk::Owner owner{0, std::string(line)};
    if (kind != "uid" || !read(number, owner.uid) || !(line.empty() || parse_lab_name(line))) return false;
    found.owners.push_back(std::move(owner));
    return true;
}

}  // namespace

std::string to_text(const FoundOnDisk& found) {
    std::string text;
    if (found.last_export_id != 0) text += fmt::format("export_id {}\n", found.last_export_id);
    for (const auto& [uid, lab] : found.owners)
        text += fmt::format("uid {}{}{}\n", uid, lab.empty() ? "" : " ", lab);
    return text;
}

Result<FoundOnDisk> found_on_disk_in(std::string_view text) {
    FoundOnDisk found;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!read_line(line, found))
            return Error{Code::config, "what `stowage restore` left for the controller cannot be read",
                         "restore the backup once more (stowage restore FOLDER --replace)"};
    }
    return found;
}

}  // namespace stowage
