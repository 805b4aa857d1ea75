// Formatting and escaping of log lines.
// Runs in: every process.
#include "gateway/base/log.hpp"

#include <unistd.h>

#include <algorithm>

#include "gateway/base/journal.hpp"

namespace stowage::log {

namespace {

std::string process = "stowage";
Level threshold = Level::info;
Fd journal;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.:/@+,%[]").find(c) != std::string_view::npos;
}

void append_value(std::string& line, std::string_view value) {
    if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : escaped(value)) {
        if (c == '"') line += '\\';
        line += c;
    }
    line += '"';
}

}  // namespace

void start(std::string process_name, Level level) {
    process = std::move(process_name);
    threshold = level;
    if (!journal) journal = connect_to_journal();
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (level > threshold) return;
    auto line = fmt::format("process={} event={}", process, event);
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    if (journal && send_to_journal(journal, journal_entry(level, process, event, line, fields))) return;
    line = fmt::format("<{}>{}\n", static_cast<int>(level), line);
    // A lost log line must never stop the service: the result is ignored on purpose.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void relay(std::string_view line) {
    if (const auto entry = journal ? journal_entry_of(line) : std::nullopt;
        entry && send_to_journal(journal, *entry))
        return;
    const auto whole = std::string(line) + "\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

std::string escaped(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\')
            text += "\\\\";
        else if (byte >= 0x20 && byte < 0x7f)
            text += c;
        else
            text += fmt::format("\\x{:02x}", byte);
    }
    return text;
}

}  // namespace stowage::log
