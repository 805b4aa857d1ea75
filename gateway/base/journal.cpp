// The socket and the form of entries.
// Runs in: every process.
#include "gateway/base/journal.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace stowage::log {

namespace {

/// "DEVICE:INODE" of what standard error was when systemd started us; it may have been redirected since.
bool goes_to_journal() {
    const auto* stream = std::getenv("JOURNAL_STREAM");
    struct stat info {};
    if (!stream || ::fstat(STDERR_FILENO, &info) != 0) return false;
    return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

/// Values are one line: what is not printable is escaped.
void append(std::string& entry, std::string_view name, std::string_view value) {
    entry += name;
    entry += '=';
    entry += escaped(value);
    entry += '\n';
}

std::string field_name(std::string_view key) {
    std::string name = "STOWAGE_";
    for (const char c : key)
        name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

bool is_key(std::string_view text) {
    return !text.empty() && text.size() <= 48 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

/// Takes the value in front, quoted or not, as append_value() in log.cpp wrote it: escapes stay, quotes go.
std::optional<std::string> take_value(std::string_view& rest) {
    if (!rest.starts_with('"')) {
        const auto end = std::min(rest.find(' '), rest.size());
        std::string value(rest.substr(0, end));
        rest.remove_prefix(end);
        return value;
    }
    std::string value;
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return value;
        }
        const bool pair = rest[i] == '\\' && i + 1 < rest.size();
        if (pair && rest[i + 1] == '"') {
            value += rest[++i];
            continue;
        }
        value += rest[i];
        if (pair && rest[i + 1] == '\\') value += rest[++i];
    }
    return std::nullopt;
}

}  // namespace

Fd connect_to_journal(const char* socket_path) {
    if (!goes_to_journal()) return Fd();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (std::strlen(socket_path) >= sizeof address.sun_path) return Fd();
    std::strcpy(address.sun_path, socket_path);
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return socket;
}

std::string journal_entry(Level level, std::string_view process, std::string_view event,
                          std::string_view message, std::initializer_list<Field> fields) {
    auto entry = fmt::format("PRIORITY={}\nSYSLOG_IDENTIFIER=stowage\n", static_cast<int>(level));
    entry += "MESSAGE=";
    entry += message;  // a log line: escaped as it is
    entry += '\n';
    append(entry, "STOWAGE_PROCESS", process);
    append(entry, "STOWAGE_EVENT", event);
    for (const auto& field : fields)
        append(entry, field_name(field.key), field.value);
    return entry;
}

std::optional<std::string> journal_entry_of(std::string_view line) {
    const bool printable =
        std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!printable || line.size() < 4 || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>')
        return std::nullopt;
    auto rest = line.substr(3);
    auto entry = fmt::format("PRIORITY={}\nSYSLOG_IDENTIFIER=stowage\nMESSAGE={}\n", line[1], rest);
    while (!rest.empty()) {
        const auto equals = rest.find('=');
        if (equals == rest.npos || !is_key(rest.substr(0, equals))) return std::nullopt;
        const auto name = field_name(rest.substr(0, equals));
        rest.remove_prefix(equals + 1);
        const auto value = take_value(rest);
        if (!value || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
        if (!rest.empty()) rest.remove_prefix(1);
        entry += name + '=' + *value + '\n';
    }
    return entry;
}

bool send_to_journal(const Fd& socket, std::string_view entry) {
    if (!socket) return false;
    // write(2), not send(2): every process may do that, whatever its seccomp filter.
    return ::write(socket.get(), entry.data(), entry.size()) == static_cast<ssize_t>(entry.size());
}

}  // namespace stowage::log
