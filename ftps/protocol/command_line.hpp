// Lines of an FTP control connection into commands (RFC 959 §4 and §5.3, RFC 2640 §3.1).
// Runs in: front (before login), worker (after it). Distrusts: every byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace stowage::ftps {

/// One command. The verb is upper case: a letter, then letters or digits, 3 to 8 in all; the argument keeps
/// every byte behind the one blank. Whoever is given a PASS wipes its argument.
struct Command {
    std::string verb, argument;
};

/// Collects bytes and gives them back as commands, one bad line as one BadLine whatever its length. Bytes
/// given back are wiped here, passwords among them.
class CommandReader {
  public:
    struct NeedMore {};
    /// What is wrong with a line, for a 500 reply: too long, NUL inside, a bare CR, not a verb.
    struct BadLine {
        std::string reason;
    };
    using Next = std::variant<NeedMore, Command, BadLine>;

    /// At most this many bytes in a line without its end (PATH_MAX and a verb); a longer one is discarded up
    /// to and including its LF.
    static constexpr std::size_t max_line_bytes = 8192;

    CommandReader() = default;
    CommandReader(CommandReader&&) = default;
    CommandReader& operator=(CommandReader&&) = default;
    ~CommandReader();

    /// Adds received bytes. Telnet commands (RFC 854: IAC IP, IAC DM, IAC WILL x …) are removed, IAC IAC is
    /// one 0xff; a 0xff in front of anything else stays, for clients that send names in Latin-1 without
    /// doubling it.
    void feed(std::string_view bytes);
    /// The next command, or what is wrong with the next line, or NeedMore. A line ends with LF or CR LF. Call
    /// until NeedMore before feeding more: that is what bounds the memory.
    Next next();
    /// Bytes fed but not yet given back: non-empty at AUTH TLS means injection (CVE-2011-0411).
    bool has_buffered() const { return !buffer_.empty() || discarding_ || telnet_ != 0; }
    /// Takes the bytes not yet given back, as they may be fed to another reader: what a client pipelined
    /// behind PASS belongs to the worker.
    std::string take_buffered();

  private:
    void consume(std::size_t bytes);

    std::string buffer_;
    bool discarding_ = false;
    unsigned char telnet_ =
        0;  // 0, or the Telnet byte with which the last feed() ended: IAC, WILL, WONT, DO, DONT
};

}  // namespace stowage::ftps
