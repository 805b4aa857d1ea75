// Telnet stripping, line splitting and verb checking.
// Runs in: front, worker. Distrusts: every byte.
#include "ftps/protocol/command_line.hpp"

#include <string.h>

#include <algorithm>

#include "ftps/protocol/ascii_case.hpp"

namespace stowage::ftps {

namespace {

// RFC 854, "TELNET COMMAND STRUCTURE".
constexpr unsigned char se = 240, will = 251, dont = 254, iac = 255;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_verb(std::string_view word) {
    return word.size() >= 3 && word.size() <= 8 && is_letter(word.front()) &&
           std::all_of(word.begin(), word.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

CommandReader::Next parse(std::string_view line) {
    // The IAC of a Synch whose DM was sent as an urgent byte beside TLS; no verb begins so.
    while (!line.empty() && static_cast<unsigned char>(line.front()) == iac)
        line.remove_prefix(1);
    if (line.size() > CommandReader::max_line_bytes) return CommandReader::BadLine{"line too long"};
    if (line.find('\0') != std::string_view::npos) return CommandReader::BadLine{"NUL in a command line"};
    if (line.find('\r') != std::string_view::npos) return CommandReader::BadLine{"bare CR in a command line"};
    const auto blank = line.find(' ');
    const auto word = line.substr(0, blank);
    if (!is_verb(word)) return CommandReader::BadLine{"not a command"};
    Command command;
    std::transform(word.begin(), word.end(), std::back_inserter(command.verb),
                   [](char c) { return upper(c); });
    if (blank != std::string_view::npos) command.argument = line.substr(blank + 1);
    return command;
}

void wipe(std::string& text) {
    explicit_bzero(text.data(), text.capacity());
    text.clear();
}

/// A string that grows by itself lets go of the bytes as they are: a password's beginning, perhaps.
void make_room(std::string& text, std::size_t more) {
    if (text.capacity() - text.size() >= more) return;
    std::string larger;
    larger.reserve(std::max(2 * text.capacity(), text.size() + more));
    larger += text;
    wipe(text);
    text.swap(larger);
}

}  // namespace

CommandReader::~CommandReader() {
    wipe(buffer_);
}

void CommandReader::feed(std::string_view bytes) {
    make_room(buffer_, bytes.size() + 1);  // an IAC of before may be one of them
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (telnet_ >= will && telnet_ <= dont) {
            telnet_ = 0;  // the option's number
            continue;
        }
        if (telnet_ == iac) {
            telnet_ = 0;
            if (byte >= will && byte <= dont) {
                telnet_ = byte;
                continue;
            }
            if (byte >= se && byte != iac) continue;
            buffer_ += static_cast<char>(iac);
            if (byte == iac) continue;
        } else if (byte == iac) {
            telnet_ = iac;
            continue;
        }
        buffer_ += c;
    }
}

CommandReader::Next CommandReader::next() {
    const auto end = buffer_.find('\n');
    if (end == std::string::npos) {
        // One byte of grace: a CR that belongs to the line end may stand last.
        if (buffer_.size() > max_line_bytes + 1) discarding_ = true;
        if (discarding_) consume(buffer_.size());
        return NeedMore{};
    }
    const bool carriage_return = end > 0 && buffer_[end - 1] == '\r';
    Next result = discarding_ ? BadLine{"line too long"}
                              : parse(std::string_view(buffer_).substr(0, carriage_return ? end - 1 : end));
    discarding_ = false;
    consume(end + 1);
    return result;
}

std::string CommandReader::take_buffered() {
    std::string rest;
    rest.reserve(2 * buffer_.size() + 2);
    for (const char c : buffer_)
        rest.append(static_cast<unsigned char>(c) == iac ? 2 : 1, c);
    if (telnet_ != 0) rest += static_cast<char>(iac);
    if (telnet_ != 0 && telnet_ != iac) rest += static_cast<char>(telnet_);
    telnet_ = 0;
    consume(buffer_.size());
    return rest;
}

void CommandReader::consume(std::size_t bytes) {
    const auto rest = buffer_.size() - bytes;
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(bytes), buffer_.end(), buffer_.begin());
    explicit_bzero(buffer_.data() + rest, bytes);
    buffer_.resize(rest);
}

}  // namespace stowage::ftps
