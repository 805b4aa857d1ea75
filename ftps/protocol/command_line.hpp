// Lines of an FTP control connection into commands (RFC 959 §4 and §5.3, RFC 2640 §3.1).
// Runs in: front (before login), worker (after it). Distrusts: every byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace stowage::ftps {

/// One command. The verb is upper case, 3 to 8 letters; the argument keeps every byte behind the one blank.
struct Command {
    std::string verb, argument;
};

/// Collects bytes and gives them back as commands, one bad line as one BadLine whatever its length.
class CommandReader {
  public:
    struct NeedMore {};
    /// What is wrong with a line, for a 500 reply: too long, NUL inside, a bare CR, not a verb.
    struct BadLine {
        std::string reason;
    };
    using Next = std::variant<NeedMore, Command, BadLine>;

    /// At most this many bytes in a line (PATH_MAX and a verb); the rest of a longer one is discarded up to its LF.
    static constexpr std::size_t max_line_bytes = 8192;

    /// Adds received bytes. Telnet commands (RFC 854 IAC IP, IAC DM …) are removed, IAC IAC is one 0xff.
    void feed(std::string_view bytes);
    /// The next command, or what is wrong with the next line, or NeedMore.
    Next next();
    /// Bytes fed but not yet given back: non-empty at AUTH TLS means injection (CVE-2011-0411).
    bool has_buffered() const { return !buffer_.empty(); }

  private:
    std::string buffer_;
    bool discarding_ = false;
    unsigned char telnet_ = 0;  // 0, or where inside an IAC sequence the last feed() ended
};

}  // namespace stowage::ftps
