// getrandom and termios.
// Runs in: CLI.
#include "gateway/cli/passwords.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "gateway/cli/wait.hpp"

namespace stowage::cli {

namespace {

constexpr std::size_t max_password_bytes = 256;

/// No echo while it lives, on a terminal.
class Silence {
  public:
    Silence() {
        termios quiet{};
        if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &quiet) != 0) return;
        old_ = quiet;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        std::fputs("Password: ", stderr);
    }
    ~Silence() {
        if (!old_) return;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &*old_);
        std::fputc('\n', stderr);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    std::optional<termios> old_;
};

}  // namespace

Result<Secret> generate_password() {
    constexpr auto letters = password_alphabet.size();
    // Bytes above the largest multiple of the alphabet's size would make some letters likelier than others.
    constexpr auto fair = 256 / letters * letters;
    std::array<char, password_length> password;
    for (std::size_t made = 0; made < password.size();) {
        std::array<unsigned char, 32> random;
        if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
            return system_error(errno, "getrandom");
        for (const auto byte : random)
            if (byte < fair && made < password.size()) password[made++] = password_alphabet[byte % letters];
        explicit_bzero(random.data(), random.size());
    }
    Secret secret{std::string_view(password.data(), password.size())};
    explicit_bzero(password.data(), password.size());
    return secret;
}

Result<Secret> checked_password(Secret line) {
    const auto text = line.reveal();
    if (text.empty())
        return Error{Code::usage, "the password is empty", "give it as one line on standard input"};
    if (text.size() > max_password_bytes)
        return Error{Code::usage, fmt::format("the password has more than {} bytes", max_password_bytes)};
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(text.begin(), text.end(), control))
        return Error{Code::usage,
                     "the password has a control character (a carriage return or a tab, perhaps)",
                     "FTP cannot carry it: choose another"};
    return line;
}

Result<Secret> read_password() {
    const Interruptible interruptible;
    const Silence silence;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    std::array<char, max_password_bytes + 2> line;
    std::size_t length = 0;
    // Byte by byte: what follows the line belongs to whoever reads standard input next.
    for (; length < line.size(); ++length) {
        CHECK(wait_for(STDIN_FILENO, POLLIN, deadline));
        const auto count = ::read(STDIN_FILENO, &line[length], 1);
        if (count < 0) return system_error(errno, "read the password");
        if (count == 0 || line[length] == '\n') break;
    }
    Secret secret{std::string_view(line.data(), length)};
    explicit_bzero(line.data(), line.size());
    return checked_password(std::move(secret));
}

}  // namespace stowage::cli
