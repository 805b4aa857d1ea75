// poll(2) over two sockets.
// Runs in: system tests of nfs.
#include "tests/system/nfs/breaking_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace stowage::nfs::testing {

namespace {

sockaddr_in local(std::uint16_t port) {
    return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/// From a privileged port, or -1.
Fd connect_to(std::uint16_t port) {
    for (std::uint16_t own = 1023; own > 600; --own) {
        Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        auto from = local(own), to = local(port);
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) continue;
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
    }
    return {};
}

/// False at the end of the connection.
bool pass_on(int from, int to) {
    char bytes[65536];
    const auto got = ::read(from, bytes, sizeof bytes);
    return got > 0 && ::write(to, bytes, static_cast<std::size_t>(got)) == got;
}

}  // namespace

BreakingProxy::BreakingProxy(std::uint16_t server_port, std::function<bool()> is_moment)
    : server_port_(server_port),
      is_moment_(std::move(is_moment)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int ends[2];
    auto address = local(0);
    socklen_t size = sizeof address;
    if (::pipe2(ends, O_CLOEXEC) != 0 ||
        ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no proxy");
    port_ = ntohs(address.sin_port);
    end_ = Fd(ends[0]);
    end_of_parent_ = Fd(ends[1]);
    thread_ = std::thread([this] { serve(); });
}

BreakingProxy::~BreakingProxy() {
    end_of_parent_.reset();
    thread_.join();
}

void BreakingProxy::serve() {
    while (true) {
        pollfd waits[2] = {{listener_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0 || waits[1].revents != 0) return;
        const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const auto server = connect_to(server_port_);
        if (client && server) pass(client.get(), server.get());
    }
}

void BreakingProxy::pass(int client, int server) {
    while (true) {
        pollfd waits[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {end_.get(), POLLIN, 0}};
        if (::poll(waits, 3, -1) < 0 || waits[2].revents != 0) return;
        if (waits[0].revents != 0 && !has_broken_ && is_moment_()) {
            has_broken_ = true;
            return;
        }
        if (waits[0].revents != 0 && !pass_on(client, server)) return;
        if (waits[1].revents != 0 && !pass_on(server, client)) return;
    }
}

}  // namespace stowage::nfs::testing
