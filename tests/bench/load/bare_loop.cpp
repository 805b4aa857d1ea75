// The limit: what TLS 1.3 on a socket and write(2) or read(2) cost without a server around them.
// Usage: bench_bare_loop receive|send CERTIFICATE KEY FILE; prints its port, serves one connection.
// Runs in: the bench.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/bench/load/tls.hpp"

namespace stowage::bench {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

Fd accept_one() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        fail("no port");
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const int on = 1;
    (void)::setsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return accepted;
}

void receive(TlsStream& stream, const Fd& file) {
    std::vector<char> buffer(buffer_bytes);
    for (std::size_t have = 0;;) {
        const auto got = stream.read(buffer.data() + have, buffer.size() - have);
        have += got;
        if (got > 0 && have + 16384 <= buffer.size()) continue;
        if (::write(file.get(), buffer.data(), have) != static_cast<ssize_t>(have)) fail("write");
        have = 0;
        if (got == 0) return;
    }
}

void send(TlsStream& stream, const Fd& file) {
    std::vector<char> buffer(buffer_bytes);
    while (const auto got = ::read(file.get(), buffer.data(), buffer.size())) {
        if (got < 0) fail("read");
        stream.write(buffer.data(), static_cast<std::size_t>(got));
    }
}

int run(int argc, char** argv) {
    if (argc != 5) return 2;
    const bool receives = std::string_view(argv[1]) == "receive";
    const auto context = server_context(argv[2], argv[3]);
    const Fd file(::open(argv[4], (receives ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0600));
    if (!file) fail("cannot open the file");
    TlsStream stream(context.get(), accept_one(), buffer_bytes);
    stream.accept();
    if (receives)
        receive(stream, file);
    else
        send(stream, file);
    stream.send_end();
    return 0;
}

}  // namespace

}  // namespace stowage::bench

int main(int argc, char** argv) {
    return stowage::bench::run(argc, argv);
}
