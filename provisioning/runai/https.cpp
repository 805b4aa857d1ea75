// HTTP/1.1 over TLS to one host: a pool of kept-alive connections, one request at a time on each.
// Runs in: controller. Distrusts: the network, the certificate, sizes and pace of replies.
#include "provisioning/runai/https.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <list>
#include <set>

#include "gateway/base/log.hpp"
#include "provisioning/runai/lookup.hpp"
#include "provisioning/runai/trust.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace stowage::runai {
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t max_header_bytes = 64 << 10;
constexpr std::size_t max_idle = 8;
// Shorter than the keep-alive limits of usual ingresses, so that we seldom write into a closing connection.
constexpr auto max_idle_time = std::chrono::seconds(15);

using TlsStream = asio::ssl::stream<beast::tcp_stream>;

struct Connection {
    Connection(const asio::any_io_executor& executor, asio::ssl::context& context)
        : stream(beast::tcp_stream(executor), context) {}
    beast::tcp_stream& tcp() { return stream.next_layer(); }

    TlsStream stream;
    beast::flat_buffer buffer{max_header_bytes + max_body_bytes};
    Clock::time_point idle_since;
};

/// A quiet connection has nothing to read; a close or an unasked reply makes it useless.
bool is_quiet(Connection& connection) {
    char byte = 0;
    const int fd = connection.tcp().socket().native_handle();
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

http::verb verb_of(Method method) {
    switch (method) {
        case Method::get:
            return http::verb::get;
        case Method::post:
            return http::verb::post;
        case Method::put:
            return http::verb::put;
        case Method::remove:
            return http::verb::delete_;
    }
    return http::verb::unknown;
}

http::request<http::string_body> message_for(const BaseUrl& base, HttpRequest& request) {
    http::request<http::string_body> message(verb_of(request.method), request.target, 11);
    message.set(http::field::host, base.host_header);
    message.set(http::field::user_agent, "stowage");
    message.set(http::field::accept, "application/json");
    if (!request.bearer_token.empty())
        message.set(http::field::authorization, "Bearer " + std::string(request.bearer_token.reveal()));
    if (!request.body.empty()) message.set(http::field::content_type, "application/json");
    message.body() = std::move(request.body);
    message.prepare_payload();
    return message;
}

template <typename Stream>
asio::awaitable<error_code> read_reply(Stream& stream, beast::flat_buffer& buffer, HttpResponse& response,
                                       bool& keep_alive) {
    // Interim responses (1xx) come before the real one; a server that sends many is not ours.
    for (int interim = 0; interim < 4; ++interim) {
        http::response_parser<http::string_body> parser;
        parser.body_limit(max_body_bytes);
        parser.header_limit(max_header_bytes);
        auto [error, size] = co_await http::async_read(stream, buffer, parser, nothrow);
        if (error) co_return error;
        auto& message = parser.get();
        if (message.result_int() < 200 && message.result_int() != 101) continue;
        response.status = message.result_int();
        response.retry_after = std::string(message[http::field::retry_after]);
        response.location = std::string(message[http::field::location]);
        response.body = std::move(message.body());
        keep_alive = parser.keep_alive();
        co_return error_code();
    }
    co_return http::make_error_code(http::error::bad_status);
}

template <typename Stream>
asio::awaitable<error_code> talk(Stream& stream, beast::flat_buffer& buffer,
                                 http::request<http::string_body>& message, HttpResponse& response,
                                 bool& keep_alive) {
    auto [error, size] = co_await http::async_write(stream, message, nothrow);
    explicit_bzero(message.body().data(), message.body().size());
    if (error) co_return error;
    co_return co_await read_reply(stream, buffer, response, keep_alive);
}

}  // namespace

struct Connections::State {
    /// Takes part in stop() while it lives.
    struct Active {
        Active(std::set<Connection*>& set_, Connection* one_) : set(set_), one(one_) { set.insert(one); }
        ~Active() { set.erase(one); }
        Active(const Active&) = delete;
        Active& operator=(const Active&) = delete;
        std::set<Connection*>& set;
        Connection* one;
    };

    State(asio::any_io_executor executor_, BaseUrl base_)
        : executor(std::move(executor_)),
          base(std::move(base_)),
          context(asio::ssl::context::tls_client),
          lookups(executor) {}

    asio::awaitable<Exchange> connect(Connection& connection, Clock::time_point deadline);
    asio::awaitable<Exchange> handshake(Connection& connection);
    asio::awaitable<Exchange> run(Connection& connection, bool fresh, HttpRequest& request,
                                  Clock::time_point deadline, bool& keep_alive);
    std::unique_ptr<Connection> take_idle();
    Error network_error(std::string_view doing, error_code error) const;
    std::string shown() const { return log::escaped(base.host_header); }

    asio::any_io_executor executor;
    BaseUrl base;
    asio::ssl::context context;
    bool stopped = false;
    std::list<std::unique_ptr<Connection>> idle;
    std::set<Connection*> active;
    Lookups lookups;
};

Error Connections::State::network_error(std::string_view doing, error_code error) const {
    const auto what = fmt::format("{} {}: ", doing, shown());
    if (stopped) return {Code::cancelled, what + "cancelled"};
    if (error == beast::error::timeout)
        return {Code::timeout, what + "no answer in time",
                "see that the control plane is up, or raise runai.request_timeout"};
    if (error == http::error::body_limit || error == http::error::header_limit ||
        error == http::error::buffer_overflow)
        return {Code::protocol, what + "the reply is larger than we take",
                "is runai.url the control plane itself?"};
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == asio::ssl::error::stream_truncated || error == asio::error::eof)
        return {Code::unavailable, what + "the connection ended before the reply was whole"};
    return {Code::unavailable, what + error.message(), "see that runai.url is reachable from this node"};
}

asio::awaitable<Exchange> Connections::State::connect(Connection& connection, Clock::time_point deadline) {
    auto endpoints = co_await lookups.resolve(base, deadline);
    if (!endpoints) co_return Exchange{.error = endpoints.error()};
    error_code last;
    for (std::size_t i = 0; i < endpoints->size(); ++i) {
        // An address that swallows packets must leave time for the next one.
        const auto share = (deadline - Clock::now()) / static_cast<long>(endpoints->size() - i);
        connection.tcp().expires_at(Clock::now() + share);
        auto [error] = co_await connection.tcp().async_connect((*endpoints)[i], nothrow);
        last = error;
        if (!error || stopped) break;
    }
    if (last || stopped) co_return Exchange{.error = network_error("connecting to", last)};
    connection.tcp().expires_at(deadline);
    connection.tcp().socket().set_option(asio::ip::tcp::no_delay(true), last);
    if (base.tls) co_return co_await handshake(connection);
    co_return Exchange{.response = HttpResponse{}};
}

asio::awaitable<Exchange> Connections::State::handshake(Connection& connection) {
    SSL* ssl = connection.stream.native_handle();
    if (auto named = name_host(ssl, base); !named)
        co_return Exchange{.error = named.error(), .lasting = true};
    auto [error] = co_await connection.stream.async_handshake(TlsStream::client, nothrow);
    if (!error) co_return Exchange{.response = HttpResponse{}};
    auto refused = certificate_refusal(ssl, base);
    if (refused) co_return Exchange{.error = std::move(*refused), .lasting = true};
    co_return Exchange{.error = network_error("TLS handshake with", error)};
}

asio::awaitable<Exchange> Connections::State::run(Connection& connection, bool fresh, HttpRequest& request,
                                                  Clock::time_point deadline, bool& keep_alive) {
    connection.tcp().expires_at(deadline);
    if (fresh) {
        auto connected = co_await connect(connection, deadline);
        if (!connected.response) co_return connected;
    }
    auto message = message_for(base, request);
    Exchange out;
    out.sent = true;
    HttpResponse response;
    error_code error;
    if (base.tls)
        error = co_await talk(connection.stream, connection.buffer, message, response, keep_alive);
    else
        error = co_await talk(connection.tcp(), connection.buffer, message, response, keep_alive);
    if (!error) {
        out.response = std::move(response);
        co_return out;
    }
    out.error = network_error("talking to", error);
    out.lasting = out.error.code == Code::protocol;
    co_return out;
}

std::unique_ptr<Connection> Connections::State::take_idle() {
    while (!idle.empty()) {
        auto connection = std::move(idle.back());
        idle.pop_back();
        if (Clock::now() - connection->idle_since < max_idle_time && is_quiet(*connection)) return connection;
    }
    return nullptr;
}

std::string_view to_string(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::remove:
            return "DELETE";
    }
    return "?";
}

Result<std::unique_ptr<Connections>> Connections::make(asio::any_io_executor executor, BaseUrl base,
                                                       const std::string& ca_bundle, bool skip_verify) {
    auto state = std::make_unique<State>(std::move(executor), std::move(base));
    if (state->base.tls) CHECK(set_trust(state->context, ca_bundle, skip_verify));
    return std::unique_ptr<Connections>(new Connections(std::move(state)));
}

Connections::Connections(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connections::~Connections() = default;

asio::awaitable<Exchange> Connections::exchange(HttpRequest request, Clock::time_point deadline) {
    if (state_->stopped) co_return Exchange{.error = {Code::cancelled, "talking to Run:ai: cancelled"}};
    auto connection = state_->take_idle();
    const bool fresh = connection == nullptr;
    if (fresh) connection = std::make_unique<Connection>(state_->executor, state_->context);
    const State::Active listed(state_->active, connection.get());
    bool keep_alive = false;
    auto out = co_await state_->run(*connection, fresh, request, deadline, keep_alive);
    if (out.response && keep_alive && !state_->stopped && state_->idle.size() < max_idle &&
        connection->buffer.size() == 0) {
        connection->tcp().expires_never();
        connection->idle_since = Clock::now();
        state_->idle.push_back(std::move(connection));
    }
    co_return out;
}

void Connections::stop() {
    state_->stopped = true;
    for (auto* connection : state_->active)
        connection->tcp().cancel();
    state_->lookups.stop();
    state_->idle.clear();
}

}  // namespace stowage::runai
