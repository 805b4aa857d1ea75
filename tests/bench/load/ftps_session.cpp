// RFC 959, RFC 4217, RFC 2428 as far as a load client needs them.
// Runs in: the bench.
#include "tests/bench/load/ftps_session.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace stowage::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Up to AUTH there is no TLS.
void plain_reply(const Fd& socket) {
    std::string text;
    std::array<char, 512> read{};
    while (text.empty() || text.back() != '\n') {
        const auto got = ::recv(socket.get(), read.data(), read.size(), 0);
        if (got <= 0) fail("the server closed the control connection");
        text.append(read.data(), static_cast<std::size_t>(got));
    }
    if (text.front() != '2') fail("refused: " + text);
}

Fd start_tls(std::uint16_t port) {
    auto socket = connect_to(port);
    plain_reply(socket);
    constexpr std::string_view line = "AUTH TLS\r\n";
    if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        fail("AUTH TLS");
    plain_reply(socket);
    return socket;
}

const std::vector<char>& some_bytes() {
    static const auto bytes = [] {
        std::vector<char> made(block_bytes);
        std::uint32_t state = 1;
        for (auto& byte : made)
            byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
        return made;
    }();
    return bytes;
}

}  // namespace

FtpsSession::FtpsSession(SSL_CTX* context, const Account& account)
    : context_(context),
      control_(context, start_tls(account.port), 0),
      resumes_newest_(account.resumes_newest) {
    control_.connect(nullptr);
    command("USER " + account.user, "3");
    command("PASS " + account.password, "2");
    command("PBSZ 0", "2");
    command("PROT P", "2");
    command("TYPE I", "2");
}

std::string FtpsSession::reply(const char* expected) {
    for (;;) {
        auto end = read_.find('\n');
        while (end == std::string::npos) {
            std::array<char, 4096> more{};
            const auto got = control_.read(more.data(), more.size());
            if (got == 0) fail("the server closed the control connection");
            read_.append(more.data(), got);
            end = read_.find('\n');
        }
        auto line = read_.substr(0, end);
        read_.erase(0, end + 1);
        const bool is_last = line.size() > 3 && line[3] == ' ' && line[0] >= '1' && line[0] <= '5';
        if (!is_last) continue;
        if (!line.starts_with(expected)) fail("refused: " + line);
        return line;
    }
}

std::string FtpsSession::command(const std::string& line, const char* expected) {
    const auto sent = line + "\r\n";
    control_.write(sent.data(), sent.size());
    return reply(expected);
}

std::unique_ptr<TlsStream> FtpsSession::open_data(const std::string& line) {
    const auto answer = command("EPSV", "229");
    const auto bars = answer.find("|||");
    const auto port = bars == std::string::npos ? 0 : std::atoi(answer.c_str() + bars + 3);
    if (port <= 0 || port > 65535) fail("no port in: " + answer);
    auto socket = connect_to(static_cast<std::uint16_t>(port));
    command(line, "1");
    auto data = std::make_unique<TlsStream>(context_, std::move(socket), gathered_bytes);
    data->connect(from_data_ ? from_data_.get() : control_.session());
    if (!data->is_resumed()) ++not_resumed_;
    return data;
}

void FtpsSession::put(const std::string& name, std::uint64_t bytes) {
    const auto data = open_data("STOR " + name);
    const auto& sent = some_bytes();
    for (std::uint64_t left = bytes; left > 0;) {
        const auto step = std::min<std::uint64_t>(left, sent.size());
        data->write(sent.data(), step);
        left -= step;
    }
    finish_upload(*data);
}

void FtpsSession::put_content(const std::string& name, std::string_view content) {
    const auto data = open_data("STOR " + name);
    while (!content.empty()) {
        const auto step = content.substr(0, block_bytes);
        data->write(step.data(), step.size());
        content.remove_prefix(step.size());
    }
    finish_upload(*data);
}

void FtpsSession::finish_upload(TlsStream& data) {
    data.send_end();
    std::array<char, 64> end{};
    while (data.read(end.data(), end.size()) > 0) {
    }
    close_data(data);
}

void FtpsSession::site(const std::string& words) {
    command("SITE " + words, "2");
}

Received FtpsSession::get(const std::string& line) {
    buffer_.resize(block_bytes);
    const auto began = Clock::now();
    const auto data = open_data(line);
    Received received;
    while (const auto got = data->read(buffer_.data(), buffer_.size())) {
        if (received.bytes == 0)
            received.first_byte_seconds = std::chrono::duration<double>(Clock::now() - began).count();
        received.bytes += got;
        if (!line.starts_with("RETR"))
            received.lines += static_cast<std::uint64_t>(
                std::count(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(got), '\n'));
    }
    data->send_end();
    close_data(*data);
    return received;
}

void FtpsSession::close_data(TlsStream& data) {
    if (auto session = data.take_session(); session && resumes_newest_) from_data_ = std::move(session);
    reply("2");
}

void FtpsSession::quit() {
    command("QUIT", "2");
}

}  // namespace stowage::bench
