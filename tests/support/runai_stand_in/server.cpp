// The stand-in's server: HTTP/1.1, plain or TLS, on 127.0.0.1.
// Runs in: runai_stand_in, tests. Distrusts: clients' bytes and pace.
#include "tests/support/runai_stand_in/server.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <sstream>

#include "tests/support/runai_stand_in/api.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace stowage::stand_in {
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr auto idle_limit = std::chrono::seconds(60);
constexpr std::size_t max_body_bytes = 1 << 20;

using Stream = asio::ssl::stream<beast::tcp_stream>;
using Response = http::response<http::string_body>;

Response response_for(const Answer& answer, bool keep_alive) {
    Response response(static_cast<http::status>(answer.status), 11);
    response.set(http::field::content_type, "application/json");
    if (answer.retry_after_seconds)
        response.set(http::field::retry_after, std::to_string(*answer.retry_after_seconds));
    response.keep_alive(keep_alive);
    if (answer.status != 204) response.body() = boost::json::serialize(answer.body);
    response.prepare_payload();
    return response;
}

Request request_from(http::request<http::string_body>& message) {
    const auto method = message.method_string();
    const auto target = message.target();
    auto request = split_target({method.data(), method.size()}, {target.data(), target.size()});
    request.authorization = std::string(message[http::field::authorization]);
    request.content_type = std::string(message[http::field::content_type]);
    request.body = std::move(message.body());
    return request;
}

/// What goes out, and what happens to the connection.
struct Delivery {
    Answer answer;
    bool silent = false;  ///< nothing goes out
    bool wait_for_peer = false;
    bool half = false;
    bool garbled = false;
};

Delivery delivery_of(Api& api, const Request& request) {
    if (request.path.rfind("/_stand_in/", 0) == 0)
        return {api.administer(request), false, false, false, false};
    const auto fault = api.faults().take(Api::operation_of(request));
    if (!fault) return {api.handle(request)};
    Delivery out;
    if (happens_after(fault->kind)) out.answer = api.handle(request);
    switch (fault->kind) {
        case FaultKind::error_before:
        case FaultKind::error_after:
            out.answer = refuse(fault->status, "Injected.");
            break;
        case FaultKind::unauthorized:
            out.answer = refuse(401, "Injected.");
            break;
        case FaultKind::conflict:
            out.answer = refuse(409, "Resource with this name already exists");
            break;
        case FaultKind::too_many:
            out.answer = refuse(429, "Injected.");
            out.answer.retry_after_seconds = fault->retry_after_seconds;
            break;
        case FaultKind::hang_before:
        case FaultKind::hang_after:
            out.silent = out.wait_for_peer = true;
            break;
        case FaultKind::drop_before:
        case FaultKind::drop_after:
            out.silent = true;
            break;
        case FaultKind::garbage:
            out.garbled = true;
            break;
        case FaultKind::strange:
            out.answer.body = boost::json::array{1, "two", nullptr};
            break;
        case FaultKind::truncated:
            out.half = true;
            break;
    }
    return out;
}

template <typename S>
asio::awaitable<bool> deliver(S& stream, Delivery delivery, bool keep_alive) {
    auto response = response_for(delivery.answer, keep_alive && !delivery.half);
    if (delivery.garbled) {
        response.body() = "<html>\xff\xfe{\"not\": json";
        response.prepare_payload();
    }
    if (delivery.half) {
        std::ostringstream whole;
        whole << response;
        const auto text = whole.str();
        const auto half = asio::buffer(text.data(), text.size() - response.body().size() / 2 - 1);
        co_await asio::async_write(stream, half, nothrow);
        co_return false;
    }
    auto [error, size] = co_await http::async_write(stream, response, nothrow);
    co_return !error && keep_alive;
}

/// One request. False: the connection ends.
template <typename S>
asio::awaitable<bool> serve_one(S& stream, beast::flat_buffer& buffer, Api& api) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(max_body_bytes);
    auto [error, size] = co_await http::async_read(stream, buffer, parser, nothrow);
    if (error) co_return false;
    const bool keep_alive = parser.keep_alive();
    auto request = request_from(parser.get());
    const auto delivery = delivery_of(api, request);
    if (request.path.rfind("/_stand_in/", 0) != 0)
        api.log(request, delivery.silent ? 0 : delivery.answer.status);
    if (delivery.wait_for_peer) {
        char byte = 0;
        co_await stream.async_read_some(asio::buffer(&byte, 1), nothrow);
    }
    if (delivery.silent) co_return false;
    co_return co_await deliver(stream, delivery, keep_alive);
}

}  // namespace

struct Server::State {
    State(const asio::any_io_executor& executor, Api api_)
        : api(std::move(api_)), context(asio::ssl::context::tls_server), acceptor(executor) {}

    Api api;
    asio::ssl::context context;
    tcp::acceptor acceptor;
    bool tls = false;
    unsigned connections = 0;
    std::set<Stream*> open;

    static asio::awaitable<void> accept(std::shared_ptr<State> state);
    static asio::awaitable<void> session(std::shared_ptr<State> state, tcp::socket socket);
};

asio::awaitable<void> Server::State::session(std::shared_ptr<State> state, tcp::socket socket) {
    Stream stream(beast::tcp_stream(std::move(socket)), state->context);
    state->open.insert(&stream);
    beast::flat_buffer buffer;
    auto& plain = stream.next_layer();
    plain.expires_after(idle_limit);
    bool go_on = true;
    if (state->tls) {
        auto [error] = co_await stream.async_handshake(Stream::server, nothrow);
        go_on = !error;
    }
    while (go_on && state->acceptor.is_open()) {
        plain.expires_after(idle_limit);
        if (state->tls)
            go_on = co_await serve_one(stream, buffer, state->api);
        else
            go_on = co_await serve_one(plain, buffer, state->api);
    }
    state->open.erase(&stream);
}

asio::awaitable<void> Server::State::accept(std::shared_ptr<State> state) {
    const auto executor = state->acceptor.get_executor();
    for (;;) {
        auto [error, socket] = co_await state->acceptor.async_accept(nothrow);
        if (!state->acceptor.is_open()) co_return;
        if (error) continue;
        ++state->connections;
        asio::co_spawn(executor, session(state, std::move(socket)), asio::detached);
    }
}

Result<std::unique_ptr<Server>> Server::start(asio::any_io_executor executor, Options options) {
    TRY(auto store, Store::open(options.state_file, options.version));
    const auto cluster = std::string(text_of(store.cluster(options.cluster), "uuid"));
    for (const auto& name : options.departments)
        store.add_department(name, cluster);
    CHECK(store.save());
    Credentials credentials{options.client_id, std::move(options.client_secret)};
    auto state = std::make_shared<State>(
        executor, Api(std::move(store), std::move(credentials), options.token_lifetime));
    boost::system::error_code error;
    if (!options.certificate.empty()) {
        state->tls = true;
        state->context.use_certificate_chain_file(options.certificate, error);
        if (!error) state->context.use_private_key_file(options.key, asio::ssl::context::pem, error);
        if (error) return Error{Code::config, options.certificate + ": " + error.message()};
    }
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), options.port);
    state->acceptor.open(endpoint.protocol(), error);
    if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) state->acceptor.bind(endpoint, error);
    if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return Error{Code::unavailable,
                     fmt::format("listening on 127.0.0.1:{}: {}", options.port, error.message())};
    asio::co_spawn(executor, State::accept(state), asio::detached);
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    for (auto* stream : state_->open)
        stream->next_layer().cancel();
}

std::uint16_t Server::port() const {
    return state_->acceptor.local_endpoint().port();
}

std::string Server::url() const {
    return fmt::format("{}://127.0.0.1:{}", state_->tls ? "https" : "http", port());
}

unsigned Server::connections() const {
    return state_->connections;
}

Api& Server::api() {
    return state_->api;
}

}  // namespace stowage::stand_in
