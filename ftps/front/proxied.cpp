// Connections from load balancers, up to the end of their PROXY header.
// Runs in: front. Distrusts: the balancer's pace, and whoever got hold of an address of its network.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ftps/front/control_session.hpp"
#include "ftps/front/front.hpp"
#include "ftps/protocol/proxy_reader.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

namespace {

// A balancer sends the header before anything else.
constexpr std::chrono::seconds header_limit{5};

asio::awaitable<Result<ProxyHeader>> read_header(asio::posix::stream_descriptor& socket) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer limit(socket.get_executor(), header_limit);
    ProxyReader reader;
    for (;;) {
        CO_TRY(const bool whole, reader.read_from(socket.native_handle()));
        if (whole) co_return reader.header();
        boost::system::error_code failed, ignored;
        const auto first = co_await (socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                                       asio::redirect_error(asio::use_awaitable, failed)) ||
                                     limit.async_wait(asio::redirect_error(asio::use_awaitable, ignored)));
        if (first.index() == 1 || failed)
            co_return Error{Code::timeout, "PROXY header: it did not come in time"};
    }
}

}  // namespace

asio::awaitable<void> Front::admit_proxied(Accepted accepted) {
    ++before_proxy_header_;
    asio::posix::stream_descriptor socket(io_, accepted.socket.release());
    const auto header = co_await read_header(socket);
    --before_proxy_header_;
    accepted.socket = Fd(socket.release());
    if (draining_) co_return;
    if (!header) {
        log::write_limited(strangers_lines_, log::Level::warning, "proxy_header_refused",
                           {{"from", accepted.peer}, {"why", header.error().what}});
        co_return;
    }
    if (!header->local) {
        accepted.peer = header->source;
        accepted.local = header->destination;
    }
    admit(std::move(accepted));
}

}  // namespace stowage::ftps
