// The limit of small files: the least that FTPS asks of any server. One process, a thread a connection,
// nobody checked, names taken as they come, no log. "durable" has one fsync(2) before each 226, which on XFS
// and on ext4 with a journal keeps a new file and its name; else nothing is brought to disk. Usage:
// bench_bare_session CERTIFICATE KEY FOLDER [durable]; prints its port, serves until its standard input ends.
// Runs in: the bench.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/bench/load/tls.hpp"

namespace stowage::bench {

namespace {

// Of a record, so that a small file and its end are one read(2) or write(2).
constexpr std::size_t record_bytes = 17 * 1024;

/// The greeting and AUTH TLS, before there is TLS.
Fd greeted(Fd socket) {
    std::array<char, 64> line{};
    constexpr std::string_view greeting = "220 bare\r\n", go = "234 go\r\n";
    (void)::send(socket.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
    if (::recv(socket.get(), line.data(), line.size(), 0) <= 0) fail("no AUTH");
    (void)::send(socket.get(), go.data(), go.size(), MSG_NOSIGNAL);
    return socket;
}

class BareSession {
  public:
    BareSession(SSL_CTX* context, int folder, bool durable, Fd socket)
        : context_(context),
          folder_(folder),
          durable_(durable),
          control_(context, greeted(std::move(socket)), 0) {
        std::tie(listener_, port_) = listen_anywhere();
        control_.read_ahead();
        control_.accept();
    }

    void serve() {
        std::array<char, 512> line{};
        while (const auto got = control_.read(line.data(), line.size()))
            answer({line.data(), got});
    }

  private:
    void answer(std::string_view line) {
        const auto verb = line.substr(0, 4);
        const auto name = std::string(line.substr(std::min<std::size_t>(5, line.size())));
        if (verb == "EPSV") return reply(fmt::format("229 port (|||{}|)", port_));
        if (verb == "USER") return reply("331 go on");
        if (verb != "STOR" && verb != "RETR") return reply("200 yes");
        const Fd file(::openat(folder_, name.substr(0, name.find('\r')).c_str(),
                               (verb == "STOR" ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0600));
        if (!file) fail("cannot open " + name);
        reply("150 go");
        TlsStream data(context_, accept_on(listener_), record_bytes);
        data.send_no_tickets();
        data.accept();
        verb == "STOR" ? receive(data, file) : send(data, file);
        reply("226 done");
    }

    void receive(TlsStream& data, const Fd& file) {
        while (const auto got = data.read(buffer_.data(), buffer_.size()))
            if (::write(file.get(), buffer_.data(), got) != static_cast<ssize_t>(got)) fail("write");
        if (durable_ && ::fsync(file.get()) != 0) fail("fsync");
        data.send_end();
    }

    void send(TlsStream& data, const Fd& file) {
        while (const auto got = ::read(file.get(), buffer_.data(), buffer_.size())) {
            if (got < 0) fail("read");
            data.write(buffer_.data(), static_cast<std::size_t>(got));
        }
        data.send_end();
        while (data.read(buffer_.data(), buffer_.size()) > 0) {
        }
    }

    void reply(const std::string& line) { control_.write((line + "\r\n").data(), line.size() + 2); }

    SSL_CTX* context_;
    int folder_;
    bool durable_;
    TlsStream control_;
    Fd listener_;
    int port_ = 0;
    std::vector<char> buffer_ = std::vector<char>(record_bytes);
};

int run(int argc, char** argv) {
    const bool durable = argc == 5 && argv[4] == std::string_view("durable");
    if (argc != 4 && !durable) {
        std::fputs("Usage: bench_bare_session CERTIFICATE KEY FOLDER [durable]\n", stderr);
        return 2;
    }
    const auto context = server_context(argv[1], argv[2]);
    const Fd folder(::open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) fail("cannot open the folder");
    const auto [listener, port] = listen_anywhere();
    std::printf("%d\n", port);
    std::fflush(stdout);
    std::thread([] {
        (void)std::getchar();
        std::_Exit(0);
    }).detach();
    for (;;)
        std::thread([&context, &folder, durable, socket = accept_on(listener)]() mutable {
            BareSession(context.get(), folder.get(), durable, std::move(socket)).serve();
        }).detach();
}

}  // namespace

}  // namespace stowage::bench

int main(int argc, char** argv) {
    return stowage::bench::run(argc, argv);
}
