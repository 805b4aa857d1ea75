// All Beast of the controller's own is in here.
// Runs in: controller.
#include "gateway/controller/control/control_socket.hpp"

#include <fmt/format.h>
#include <string.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/control/connection_places.hpp"
#include "gateway/controller/control/peer.hpp"
#include "gateway/controller/control/routes.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using local = asio::local::stream_protocol;

namespace {

constexpr std::uint32_t most_header_bytes = 8 << 10;
// A site of a hundred labs, each with as many client CAs as it may have, and comments around them.
constexpr std::uint64_t most_body_mib = 32;
constexpr std::chrono::seconds read_limit(20), write_limit(20), pause_after_failure(1);

using Stream = beast::basic_stream<local>;
using Request = http::request<http::string_body>;

template <typename Body>
http::response<Body> head(unsigned status, const char* type) {
    http::response<Body> response(static_cast<http::status>(status), 11);
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(false);
    return response;
}

asio::awaitable<bool> write_plain(Stream& stream, PlainAnswer plain) {
    auto response = head<http::string_body>(plain.status, plain.type);
    response.body() = std::move(plain.body);
    response.prepare_payload();
    stream.expires_after(write_limit);
    boost::system::error_code failed;
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
}

template <typename Buffers>
asio::awaitable<bool> write_some(Stream& stream, Buffers buffers) {
    stream.expires_after(write_limit);
    boost::system::error_code failed;
    co_await asio::async_write(stream, buffers, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
}

asio::awaitable<bool> write_head(Stream& stream) {
    auto response = head<http::empty_body>(200, "application/x-ndjson");
    response.chunked(true);
    http::response_serializer<http::empty_body> serializer(response);
    stream.expires_after(write_limit);
    boost::system::error_code failed;
    co_await http::async_write_header(stream, serializer, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
}

/// Each line as a chunk of its own, as it comes.
asio::awaitable<void> write_stream(Stream& stream, StreamedAnswer events) {
    bool listening = co_await write_head(stream);
    while (listening) {
        const auto line = co_await events->next();
        if (!line) {
            const auto last = http::make_chunk_last();
            (void)co_await write_some(stream, last);
            co_return;
        }
        const auto chunk = http::make_chunk(asio::buffer(*line));
        listening = co_await write_some(stream, chunk);
    }
    events->abandon();
}

Error unreadable(boost::system::error_code failed) {
    if (failed == http::error::header_limit)
        return {Code::invalid,
                fmt::format("the request's header has more than {} KiB", most_header_bytes >> 10),
                "use the `stowage` command"};
    if (failed == http::error::body_limit)
        return {Code::invalid, fmt::format("the request has more than {} MiB", most_body_mib),
                "apply fewer labs at once, or give them fewer client CAs"};
    if (failed == beast::error::timeout) return {Code::timeout, "the request did not come in time"};
    return {Code::invalid, "the request is not HTTP: " + failed.message(), "use the `stowage` command"};
}

asio::awaitable<Result<ControlRequest>> read_request(Stream& stream) {
    beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.header_limit(most_header_bytes);
    parser.body_limit(most_body_mib << 20);
    stream.expires_after(read_limit);
    boost::system::error_code failed;
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return unreadable(failed);
    auto& message = parser.get();
    ControlRequest request{std::string(message.method_string()), std::string(message.target()),
                           std::move(message.body())};
    // The read buffer may hold a password too.
    explicit_bzero(buffer.data().data(), buffer.size());
    co_return request;
}

/// The request of somebody who may make it.
asio::awaitable<Result<ControlRequest>> receive_from(Stream& stream, Peer peer, gid_t admin_gid) {
    const auto allowed = check_may_administer(peer, admin_gid);
    if (!allowed) {
        log::warning("control_refused", {{"uid", peer.uid}, {"gid", peer.gid}, {"pid", peer.pid}});
        co_return allowed.error();
    }
    auto request = co_await read_request(stream);
    if (request && request->method != "GET")
        log::info(
            "control_request",
            {{"method", request->method}, {"target", request->target}, {"uid", peer.uid}, {"pid", peer.pid}});
    co_return request;
}

asio::awaitable<void> serve(Context& context, local::socket socket, gid_t admin_gid,
                            std::shared_ptr<ConnectionPlaces> places) {
    Stream stream(std::move(socket));
    const auto peer = peer_of(stream.socket().native_handle());
    // Held to the end.
    const auto place = peer ? places->take(peer->uid) : Result<ConnectionPlaces::Place>(peer.error());
    Result<ControlRequest> request = Error{};
    if (place)
        request = co_await receive_from(stream, *peer, admin_gid);
    else
        request = place.error();
    const Work work(context);  // a drain waits until the answer is written
    ControlAnswer answered = PlainAnswer{};
    if (request)
        answered = co_await answer(context, std::move(*request));
    else
        answered = refusal_of(request.error());
    if (auto* plain = std::get_if<PlainAnswer>(&answered)) {
        auto body = std::move(*plain);
        (void)co_await write_plain(stream, std::move(body));
    } else {
        co_await write_stream(stream, std::get<StreamedAnswer>(answered));
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(local::socket::shutdown_both, ignored);
}

}  // namespace

asio::awaitable<void> serve_control_socket(Context& context, Fd listener, gid_t admin_gid) {
    local::acceptor acceptor(context.executor, local(), listener.release());
    const auto places = std::make_shared<ConnectionPlaces>();
    for (;;) {
        boost::system::error_code failed;
        auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) {
            asio::co_spawn(context.executor, serve(context, std::move(socket), admin_gid, places), rethrow);
            continue;
        }
        // Out of descriptors, most likely: others are given the time to let some go.
        log::warning("control_accept_failed", {{"why", failed.message()}});
        asio::steady_timer pause(context.executor, pause_after_failure);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failed));
    }
}

}  // namespace stowage::controller
