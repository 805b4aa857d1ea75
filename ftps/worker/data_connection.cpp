// Listening, accepting, connecting.
// Runs in: worker.
#include "ftps/worker/data_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "ftps/protocol/proxy_reader.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;
constexpr auto as_pair = asio::as_tuple(asio::use_awaitable);
// Few ports suffice: whoever holds them all holds them for a moment only.
constexpr unsigned max_port_attempts = 2000;
constexpr std::chrono::seconds proxy_header_limit{2};

asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

error_code open_listener(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
    error_code failed;
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(8, failed);
    if (failed) {
        error_code ignored;
        acceptor.close(ignored);
    }
    return failed;
}

Result<Fd> blocking(tcp::socket& socket) {
    error_code failed;
    // The last, short record of a file would wait for an acknowledgement that the client delays by 40 ms.
    socket.set_option(tcp::no_delay(true), failed);
    socket.native_non_blocking(false, failed);
    if (failed) return system_error(failed.value(), "data connection");
    Fd fd(socket.release(failed));
    if (failed) return system_error(failed.value(), "data connection");
    return fd;
}

}  // namespace

DataConnection::DataConnection(asio::any_io_executor executor, Ends ends,
                               const std::vector<std::string>& proxy_networks, ListenerShare& share)
    : executor_(std::move(executor)),
      ends_{plain(ends.local), plain(ends.bound), plain(ends.peer)},
      proxy_networks_(proxy_networks),
      share_(share),
      unused_(executor_) {}

DataConnection::~DataConnection() {
    reset();
}

Result<std::uint16_t> DataConnection::listen(std::uint16_t port_min, std::uint16_t port_max,
                                             std::chrono::steady_clock::duration limit) {
    reset();
    if (share_.is_used_up())
        return Error{Code::unavailable,
                     "this lab listens on " + std::to_string(share_.most()) +
                         " data ports already, which is its share",
                     "try again in a moment, with fewer transfers at once"};
    // Ports that cannot be guessed make it harder to come before the client.
    static std::random_device random;
    const unsigned count = static_cast<unsigned>(port_max - port_min) + 1;
    const unsigned first = random() % count;
    auto acceptor = std::make_shared<Acceptor>(executor_);
    error_code failed;
    for (unsigned i = 0; i < std::min(count, max_port_attempts); ++i) {
        const auto port = static_cast<std::uint16_t>(port_min + (first + i) % count);
        failed = open_listener(*acceptor, {ends_.bound, port});
        if (!failed) {
            acceptor_ = std::move(acceptor);
            share_.take();
            close_when_unused(limit);
            return port;
        }
        if (failed != asio::error::address_in_use) break;
    }
    if (failed == asio::error::address_in_use)
        return Error{Code::unavailable, "all data ports are taken",
                     "try again in a moment, or ask for a wider range"};
    return system_error(failed.value(), "listen for data connections");
}

Result<void> DataConnection::aim(const asio::ip::address& address, std::uint16_t port) {
    reset();
    if (plain(address) != ends_.peer)
        return Error{Code::denied, "data connections go to the address of the control connection only",
                     "use passive mode (PASV or EPSV)"};
    if (port < 1024)
        return Error{Code::denied, "data connections do not go to ports below 1024",
                     "use passive mode (PASV or EPSV)"};
    target_ = tcp::endpoint(ends_.peer, port);
    return {};
}

// The timer may have run out in the very moment in which another listener took the place of this one.
void DataConnection::close_when_unused(std::chrono::steady_clock::duration limit) {
    unused_.expires_after(limit);
    unused_.async_wait([this, listener = std::weak_ptr(acceptor_)](boost::system::error_code cancelled) {
        const auto still = listener.lock();
        if (!cancelled && still && still == acceptor_) close_listener();
    });
}

void DataConnection::close_listener() {
    if (!acceptor_ || !acceptor_->is_open()) return;
    error_code ignored;
    acceptor_->close(ignored);
    share_.give_back();
}

bool DataConnection::somebody_waits() const {
    if (!acceptor_ || !acceptor_->is_open()) return false;
    pollfd listener{acceptor_->native_handle(), POLLIN, 0};
    return ::poll(&listener, 1, 0) > 0;
}

asio::awaitable<Result<Fd>> DataConnection::connect(std::chrono::steady_clock::duration limit) {
    unused_.cancel();
    if (acceptor_) co_return co_await accept_peer(limit);
    if (target_) co_return co_await connect_to_peer(limit);
    co_return Error{Code::protocol, "no data connection was prepared", "send PASV or EPSV first"};
}

asio::awaitable<Result<Fd>> DataConnection::accept_peer(std::chrono::steady_clock::duration limit) {
    const auto acceptor = acceptor_;
    asio::steady_timer timer(executor_, limit);
    while (acceptor->is_open()) {
        auto outcome = co_await (acceptor->async_accept(as_pair) || timer.async_wait(as_pair));
        if (outcome.index() == 1)
            co_return Error{Code::timeout, "nobody connected to the data port",
                            "check that the server's data ports are open on the way from the client"};
        auto& [failed, socket] = std::get<0>(outcome);
        if (failed == asio::error::operation_aborted) break;
        if (failed == asio::error::no_descriptors)
            co_return Error{Code::unavailable, "too many files are open"};
        if (failed) continue;  // it was gone before it was accepted
        const auto from = co_await origin_of(socket);
        if (from && *from == ends_.peer) co_return blocking(socket);
        log::warning("data_connection_refused", {{"why", from ? "another address" : from.error().what},
                                                 {"from", from ? from->to_string() : ""},
                                                 {"peer", ends_.peer.to_string()}});
    }
    co_return Error{Code::cancelled, "the wait for the data connection was ended"};
}

// Who connected, or whom a proxy forwards. Proxies are trusted to send their header at once, so that waiting
// for it keeps nobody else waiting.
asio::awaitable<Result<asio::ip::address>> DataConnection::origin_of(Socket& socket) {
    error_code failed;
    const auto from = plain(socket.remote_endpoint(failed).address());
    if (failed) co_return Error{Code::io, "it was gone before it was accepted"};
    if (!is_in(proxy_networks_, from.to_string())) co_return from;
    asio::steady_timer timer(executor_, proxy_header_limit);
    ProxyReader reader;
    for (;;) {
        CO_TRY(const bool whole, reader.read_from(socket.native_handle()));
        if (whole) break;
        auto outcome = co_await (socket.async_wait(Socket::wait_read, as_pair) || timer.async_wait(as_pair));
        if (outcome.index() == 1) co_return Error{Code::timeout, "PROXY header: it did not come in time"};
    }
    if (reader.header().local) co_return from;
    co_return plain(asio::ip::make_address(reader.header().source));
}

asio::awaitable<Result<Fd>> DataConnection::connect_to_peer(std::chrono::steady_clock::duration limit) {
    const auto socket = connecting_ = std::make_shared<Socket>(executor_);
    const auto target = *target_;
    asio::steady_timer timer(executor_, limit);
    error_code failed;
    socket->open(target.protocol(), failed);
    // Behind a proxy the two may speak different protocols.
    if (!failed && ends_.bound.is_v4() == target.address().is_v4()) socket->bind({ends_.bound, 0}, failed);
    if (failed) co_return system_error(failed.value(), "data connection");
    auto outcome = co_await (socket->async_connect(target, as_pair) || timer.async_wait(as_pair));
    connecting_.reset();
    if (outcome.index() == 1)
        co_return Error{Code::timeout, "the client's data port did not answer",
                        "use passive mode (PASV or EPSV)"};
    failed = std::get<0>(std::get<0>(outcome));
    if (failed == asio::error::operation_aborted)
        co_return Error{Code::cancelled, "the wait for the data connection was ended"};
    if (failed) {
        auto error = system_error(failed.value(), "connecting to the client's data port");
        error.remedy = "use passive mode (PASV or EPSV)";
        co_return error;
    }
    co_return blocking(*socket);
}

void DataConnection::cancel() {
    error_code ignored;
    close_listener();
    if (connecting_) connecting_->close(ignored);
}

void DataConnection::reset() {
    unused_.cancel();
    cancel();
    acceptor_.reset();
    target_.reset();
}

}  // namespace stowage::ftps
