// The listener's inode in /proc/net, and whose descriptor it is.
// Runs in: supervisor, root_step, CLI.
#include "gateway/base/port_holder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace stowage {

namespace {

namespace fs = std::filesystem;

/// As the kernel prints it: "0: 00000000:0801 00000000:0000 0A …" with the inode as tenth word. Listeners
/// come first.
std::optional<std::string> listener_in(const char* table, std::uint16_t port) {
    constexpr auto listens = "0A";
    const auto wanted = fmt::format(":{:04X}", port);
    std::ifstream file(table);
    std::string line, number, local, remote, state, skipped, inode;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
        std::istringstream words(line);
        words >> number >> local >> remote >> state;
        if (state != listens) break;
        if (!local.ends_with(wanted)) continue;
        for (int word = 0; word < 5; ++word)
            words >> skipped;
        if (words >> inode) return inode;
    }
    return std::nullopt;
}

std::optional<std::string> listener_on(std::uint16_t port) {
    auto inode = listener_in("/proc/net/tcp", port);
    return inode ? inode : listener_in("/proc/net/tcp6", port);
}

bool has_socket(const fs::path& process, const std::string& link) {
    std::error_code failed;
    for (fs::directory_iterator entry(process / "fd", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code gone;
        if (fs::read_symlink(entry->path(), gone) == link) return true;
    }
    return false;
}

std::optional<std::string> program_with(const std::string& inode) {
    const auto link = fmt::format("socket:[{}]", inode);
    std::error_code failed;
    for (fs::directory_iterator entry("/proc", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto number = entry->path().filename().string();
        if (!std::all_of(number.begin(), number.end(),
                         [](unsigned char c) { return c >= '0' && c <= '9'; }) ||
            !has_socket(entry->path(), link))
            continue;
        std::string name;
        std::getline(std::ifstream(entry->path() / "comm"), name);
        return fmt::format("{} (process {})", name, number);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> port_holder(std::uint16_t port) {
    const auto inode = listener_on(port);
    return inode ? program_with(*inode) : std::nullopt;
}

bool is_listened_on(std::uint16_t port) {
    return listener_on(port).has_value();
}

}  // namespace stowage
