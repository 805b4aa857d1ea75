// The request is a few lines of text; the answer goes through Beast's parser. All Beast of the CLI is in
// here. Runs in: CLI.
#include "gateway/cli/control_client.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>

#include "gateway/cli/gateway_error.hpp"

namespace stowage::cli {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t max_line_bytes = 4 << 20;
constexpr std::size_t max_answer_bytes = 64 << 20;

/// The group that the gateway gave its socket.
std::string admin_group(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return "the group of process.admin_group";
    const auto* entry = ::getgrgid(info.st_gid);
    return entry ? fmt::format("the group {}", entry->gr_name) : fmt::format("the group {}", info.st_gid);
}

Error connect_error(int error_number, const std::string& path) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
        case ECONNREFUSED:
            return {Code::unavailable,
                    fmt::format("the gateway is not running: {} at {}",
                                error_number == ECONNREFUSED ? "nobody listens" : "there is no socket", path),
                    "start it (systemctl start stowage), or name its socket with --socket or STOWAGE_SOCKET; "
                    "why it "
                    "does not stay: stowage check, journalctl -u stowage"};
        case EACCES:
        case EPERM:
            return {Code::denied, fmt::format("you may not use the gateway's socket {}", path),
                    fmt::format("run the command with sudo, or become a member of {} and log in again",
                                admin_group(path))};
        case EAGAIN:
            return {Code::timeout, fmt::format("the gateway does not take connections on {}", path),
                    "see what it is doing: journalctl -u stowage"};
        default:
            return system_error(error_number, "connect to " + path);
    }
}

Error broken_off() {
    return {Code::unavailable, "the gateway broke off before its answer was complete",
            "labs are finished by themselves when it runs again (`stowage status`); for all else run the "
            "command again"};
}

Error in_words(const Error& wait_error, std::chrono::seconds limit) {
    if (wait_error.code == Code::timeout)
        return {Code::timeout, fmt::format("the gateway said nothing for {} seconds", limit.count()),
                "the work may still be going on: see `stowage status`, or wait longer with --timeout"};
    if (wait_error.code == Code::cancelled)
        return {Code::cancelled, "interrupted",
                "the gateway goes on with what it began: see `stowage status`"};
    return wait_error;
}

std::string head_of(const ControlRequest& request) {
    auto head = fmt::format("{} {} HTTP/1.1\r\nHost: stowage\r\nConnection: close\r\nAccept: */*\r\n",
                            request.method, request.target);
    const auto size = request.body.reveal().size();
    if (size > 0) head += "Content-Type: application/json\r\n";
    if (size > 0 || request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
        head += fmt::format("Content-Length: {}\r\n", size);
    return head + "\r\n";
}

}  // namespace

/// One request's answer while it comes in.
struct ControlClient::Exchange {
    Fd socket;
    std::chrono::seconds limit;
    bool limit_per_event = false;
    const LineSink* sink = nullptr;
    std::function<void()> tick = {};
    http::response_parser<http::string_body> parser = {};
    std::string unparsed = {};

    bool streams() {
        return sink != nullptr && parser.is_header_done() && parser.get().result_int() / 100 == 2;
    }
    Result<void> parse();
    Result<void> feed_lines();
};

/// Hands complete lines to the sink and keeps the rest.
Result<void> ControlClient::Exchange::feed_lines() {
    auto& body = parser.get().body();
    std::size_t begin = 0;
    for (auto end = body.find('\n'); end != std::string::npos; end = body.find('\n', begin)) {
        const auto line = std::string_view(body).substr(begin, end - begin);
        if (!line.empty()) CHECK((*sink)(line));
        begin = end + 1;
    }
    body.erase(0, begin);
    if (body.size() > max_line_bytes) return Error{Code::protocol, "the gateway sent an event without end"};
    return {};
}

Result<void> ControlClient::Exchange::parse() {
    while (!unparsed.empty() && !parser.is_done()) {
        boost::system::error_code error;
        const auto used = parser.put(boost::asio::buffer(unparsed), error);
        unparsed.erase(0, used);
        if (streams()) CHECK(feed_lines());
        if (parser.get().body().size() > max_answer_bytes)
            return Error{Code::protocol, "the gateway's answer has no end"};
        if (error == http::error::need_more) return {};
        if (error)
            return Error{Code::protocol, "the gateway's answer is not HTTP: " + error.message(),
                         "is another program listening on this socket?"};
    }
    return {};
}

ControlClient::ControlClient(std::string socket_path) : ControlClient(std::move(socket_path), Limits()) {}

ControlClient::ControlClient(std::string socket_path, Limits limits)
    : socket_path_(std::move(socket_path)), limits_(limits) {}

Result<Fd> ControlClient::connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path_.empty() || socket_path_.size() >= sizeof address.sun_path)
        return Error{Code::usage,
                     fmt::format("{} cannot be a Unix socket: its path has {} bytes", socket_path_,
                                 socket_path_.size()),
                     "use 1 to 107 bytes"};
    std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return system_error(errno, "socket");
    // For connect(2) on a full backlog; what follows has its limits from ppoll(2).
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return errno == EINTR ? Error{Code::cancelled, "interrupted"} : connect_error(errno, socket_path_);
    return socket;
}

Result<void> ControlClient::send(const Fd& socket, std::string_view bytes) const {
    const auto deadline = std::chrono::steady_clock::now() + limits_.answer;
    while (!bytes.empty()) {
        const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready)
                return in_words(ready.error(), limits_.answer);
        } else if (errno != EINTR) {
            // A gateway that refuses early (413, 403) closes its side: its answer is still there to be read.
            return errno == EPIPE ? Result<void>() : Result<void>(system_error(errno, "send to the gateway"));
        }
    }
    return {};
}

Result<void> ControlClient::receive(Exchange& exchange) {
    auto deadline = std::chrono::steady_clock::now() + exchange.limit;
    char block[16384];
    while (!exchange.parser.is_done()) {
        if (auto ready = wait_for(exchange.socket.get(), POLLIN, deadline, exchange.tick); !ready)
            return in_words(ready.error(), exchange.limit);
        const auto count = ::recv(exchange.socket.get(), block, sizeof block, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count < 0 && errno != ECONNRESET) return system_error(errno, "receive from the gateway");
        if (count <= 0) {
            // An answer without a length ends here; Beast must not be asked before the first byte.
            if (!exchange.parser.got_some()) return broken_off();
            boost::system::error_code error;
            exchange.parser.put_eof(error);
            if (error || !exchange.parser.is_done()) return broken_off();
            break;
        }
        exchange.unparsed.append(block, static_cast<std::size_t>(count));
        CHECK(exchange.parse());
        if (exchange.limit_per_event) deadline = std::chrono::steady_clock::now() + exchange.limit;
    }
    return {};
}

Result<void> ControlClient::run(Exchange& exchange, const ControlRequest& request) {
    const Interruptible interruptible;
    in_doubt_ = false;
    TRY(exchange.socket, connect());
    in_doubt_ = request.method != "GET";
    exchange.parser.eager(true);
    if (exchange.limit_per_event)
        exchange.parser.body_limit(boost::none);
    else
        exchange.parser.body_limit(max_answer_bytes);
    CHECK(send(exchange.socket, head_of(request)));
    CHECK(send(exchange.socket, request.body.reveal()));
    CHECK(receive(exchange));
    const auto& answer = exchange.parser.get();
    if (answer.result_int() / 100 != 5) in_doubt_ = false;
    if (answer.result_int() / 100 != 2) return refusal(answer.result_int(), answer.body());
    return {};
}

Result<std::string> ControlClient::fetch(const ControlRequest& request) {
    Exchange exchange{.socket = {}, .limit = limits_.answer};
    CHECK(run(exchange, request));
    return std::move(exchange.parser.get().body());
}

Result<void> ControlClient::follow(const ControlRequest& request, const LineSink& sink,
                                   std::function<void()> tick) {
    Exchange exchange{.socket = {},
                      .limit = limits_.silence,
                      .limit_per_event = true,
                      .sink = &sink,
                      .tick = std::move(tick)};
    CHECK(run(exchange, request));
    const auto& rest = exchange.parser.get().body();
    if (!rest.empty()) return sink(rest);
    return {};
}

}  // namespace stowage::cli
