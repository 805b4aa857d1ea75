// The limit: what TLS 1.3 on a socket and write(2) or read(2) cost without a server around them.
// Usage: bench_bare_loop receive|send CERTIFICATE KEY CONNECTIONS PREFIX; prints its port, serves so many
// connections, each with the file PREFIXn-0 and a thread. Runs in: the bench.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/load/tls.hpp"

namespace stowage::bench {

namespace {

void receive(TlsStream& stream, const Fd& file) {
    std::vector<char> buffer(block_bytes);
    for (std::size_t have = 0;;) {
        const auto got = stream.read(buffer.data() + have, buffer.size() - have);
        have += got;
        if (got > 0 && have + 16384 <= buffer.size()) continue;
        if (::write(file.get(), buffer.data(), have) != static_cast<ssize_t>(have)) fail("write");
        have = 0;
        if (got == 0) return stream.send_end();
    }
}

void send(TlsStream& stream, const Fd& file) {
    std::vector<char> buffer(block_bytes);
    // The client says when: what the sockets' buffers take before its clock runs would come for nothing.
    if (stream.read(buffer.data(), 1) != 1) fail("no client");
    while (const auto got = ::read(file.get(), buffer.data(), buffer.size())) {
        if (got < 0) fail("read");
        stream.write(buffer.data(), static_cast<std::size_t>(got));
    }
    stream.send_end();
    // Closed with something unread, a socket throws away what was not acknowledged yet.
    while (stream.read(buffer.data(), buffer.size()) > 0) {
    }
}

void serve(SSL_CTX* context, Fd socket, const std::string& path, bool receives) {
    const Fd file(
        ::open(path.c_str(), (receives ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0600));
    if (!file) fail("cannot open " + path);
    TlsStream stream(context, std::move(socket), gathered_bytes);
    stream.accept();
    if (receives)
        receive(stream, file);
    else
        send(stream, file);
}

int run(int argc, char** argv) {
    const std::string_view direction = argc > 1 ? argv[1] : "";
    const auto connections = argc == 6 ? std::atoi(argv[4]) : 0;
    if (connections < 1 || (direction != "receive" && direction != "send")) {
        std::fputs("Usage: bench_bare_loop receive|send CERTIFICATE KEY CONNECTIONS PREFIX\n", stderr);
        return 2;
    }
    // Blocks from the heap: those that are mapped anew for each connection took a tenth more CPU a byte.
    (void)::mallopt(M_MMAP_THRESHOLD, 8 << 20);
    const auto context = server_context(argv[2], argv[3]);
    const auto [listener, port] = listen_anywhere();
    std::printf("%d\n", port);
    std::fflush(stdout);
    std::vector<std::thread> serving;
    for (int number = 0; number < connections; ++number)
        serving.emplace_back([&context, &direction, socket = accept_on(listener),
                              path = argv[5] + std::to_string(number) + "-0"]() mutable {
            serve(context.get(), std::move(socket), path, direction == "receive");
        });
    for (auto& thread : serving)
        thread.join();
    return 0;
}

}  // namespace

}  // namespace stowage::bench

int main(int argc, char** argv) {
    return stowage::bench::run(argc, argv);
}
