// Requests as text.
// Runs in: system tests.
#include "tests/system/controller/http_call.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <boost/json.hpp>
#include <cstring>
#include <sstream>

namespace stowage::controller::testing {

namespace {

constexpr timeval limit{.tv_sec = 60, .tv_usec = 0};

std::string dechunked(const std::string& framed) {
    std::string body;
    std::size_t at = 0;
    for (;;) {
        const auto end = framed.find("\r\n", at);
        if (end == std::string::npos) return body;
        const auto size = std::stoul(framed.substr(at, end - at), nullptr, 16);
        if (size == 0) return body;
        body += framed.substr(end + 2, size);
        at = end + 2 + size + 2;
    }
}

Fd with_limits(Fd socket) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return socket;
}

}  // namespace

boost::json::value HttpAnswer::json() const {
    return boost::json::parse(body);
}

std::vector<boost::json::value> HttpAnswer::events() const {
    std::vector<boost::json::value> events;
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line);)
        events.push_back(boost::json::parse(line));
    return events;
}

boost::json::value HttpAnswer::result() const {
    const auto all = events();
    return all.empty() || all.back().at("event") != "result" ? boost::json::value() : all.back();
}

Fd connect_unix(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect " + path);
    return with_limits(std::move(socket));
}

Fd connect_loopback(std::uint16_t port) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect to port " + std::to_string(port));
    return with_limits(std::move(socket));
}

HttpAnswer send_and_read(const Fd& socket, const std::string& bytes) {
    (void)!::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::string text;
    char block[8192];
    for (ssize_t size = 0; (size = ::recv(socket.get(), block, sizeof block, 0)) > 0;)
        text.append(block, static_cast<std::size_t>(size));
    HttpAnswer answer;
    const auto head = text.find("\r\n\r\n");
    if (head == std::string::npos || text.size() < 12) return answer;
    answer.status = static_cast<unsigned>(std::stoul(text.substr(9, 3)));
    answer.body = text.substr(head + 4);
    if (text.substr(0, head).find("Transfer-Encoding: chunked") != std::string::npos)
        answer.body = dechunked(answer.body);
    return answer;
}

HttpAnswer call(const Fd& socket, const std::string& method, const std::string& target,
                const std::string& body) {
    return send_and_read(socket, fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
                                             "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                                             method, target, body.size(), body));
}

}  // namespace stowage::controller::testing
