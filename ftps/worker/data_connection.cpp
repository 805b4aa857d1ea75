// Choosing a port, and what becomes of one that nobody uses.
// Runs in: worker.
#include "ftps/worker/data_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <random>

namespace stowage::ftps {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Few ports suffice: whoever holds them all holds them for a moment only.
constexpr unsigned max_port_attempts = 2000;

asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

}  // namespace

DataConnection::DataConnection(asio::any_io_executor executor, Ends ends,
                               const std::vector<std::string>& proxy_networks, ListenerShare& share)
    : ends_{plain(ends.local), plain(ends.bound), plain(ends.peer)},
      proxy_networks_(proxy_networks),
      share_(share),
      timer_(std::move(executor)),
      self_(std::make_shared<DataConnection*>(this)) {}

DataConnection::~DataConnection() {
    *self_ = nullptr;
    reset();
}

Result<std::uint16_t> DataConnection::listen(std::uint16_t port_min, std::uint16_t port_max,
                                             Clock::duration limit) {
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
    for (unsigned i = 0; i < std::min(count, max_port_attempts); ++i) {
        const auto port = static_cast<std::uint16_t>(port_min + (first + i) % count);
        auto listener = DataDoor::listen_at({ends_.bound, port});
        if (!listener && errno == EADDRINUSE) continue;
        if (!listener) return system_error(errno, "listen for data connections");
        share_.take();
        door_ = std::make_shared<DataDoor>(ends_, proxy_networks_, std::move(listener), share_);
        limit_ = limit;
        not_used();
        return port;
    }
    return Error{Code::unavailable, "all data ports are taken",
                 "try again in a moment, or ask for a wider range"};
}

Result<void> DataConnection::aim(const asio::ip::address& address, std::uint16_t port) {
    reset();
    if (plain(address) != ends_.peer)
        return Error{Code::denied, "data connections go to the address of the control connection only",
                     "use passive mode (PASV or EPSV)"};
    if (port < 1024)
        return Error{Code::denied, "data connections do not go to ports below 1024",
                     "use passive mode (PASV or EPSV)"};
    door_ = std::make_shared<DataDoor>(ends_, tcp::endpoint(ends_.peer, port));
    return {};
}

std::shared_ptr<DataDoor> DataConnection::use() {
    unused_until_ = Clock::time_point::max();
    return door_;
}

void DataConnection::not_used() {
    if (!door_ || !door_->is_passive()) return;
    unused_until_ = Clock::now() + limit_;
    if (!timer_runs_) close_when_unused();
}

void DataConnection::close_when_unused() {
    timer_runs_ = true;
    timer_.expires_at(unused_until_);
    timer_.async_wait([self = self_](boost::system::error_code cancelled) {
        if (cancelled || !*self) return;
        auto& connection = **self;
        connection.timer_runs_ = false;
        if (connection.unused_until_ == Clock::time_point::max()) return;
        if (connection.unused_until_ <= Clock::now()) return connection.reset();
        connection.close_when_unused();
    });
}

void DataConnection::cancel() {
    if (door_) door_->cancel();
}

void DataConnection::reset() {
    unused_until_ = Clock::time_point::max();
    // Nobody but a transfer that is being aborted waits there; otherwise it closes with its last owner, us.
    if (door_.use_count() > 1) cancel();
    door_.reset();
}

}  // namespace stowage::ftps
