// Blocking accept and connect with a limit.
// Runs in: worker, on the transfer threads.
#include "ftps/worker/data_door.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "ftps/protocol/proxy_reader.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

namespace {

using Clock = DataDoor::Clock;
constexpr std::chrono::seconds proxy_header_limit{2};
constexpr const char* use_passive = "use passive mode (PASV or EPSV)";

void switch_on(int socket, int level, int option) {
    const int on = 1;
    (void)::setsockopt(socket, level, option, &on, sizeof on);
}

// The last, short record of a file would wait for an acknowledgement that the client delays by 40 ms. What a
// listener accepts has its options (Linux).
void send_at_once(int socket) {
    switch_on(socket, IPPROTO_TCP, TCP_NODELAY);
}

Fd new_socket(const DataDoor::Endpoint& endpoint) {
    return Fd(
        ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
}

asio::ip::address address_of(const sockaddr_storage& from) {
    if (from.ss_family == AF_INET)
        return asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in&>(from).sin_addr.s_addr));
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    asio::ip::address_v6::bytes_type bytes;
    std::copy_n(v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
    const asio::ip::address_v6 address(bytes, v6.sin6_scope_id);
    if (address.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address);
    return address;
}

/// False after `deadline`.
bool wait_for(int socket, short events, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waited{socket, events, 0};
        const int ready =
            ::poll(&waited, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 24 * 3600 * 1000)));
        if (ready > 0) return true;
        if (ready == 0 && left <= 0) return false;
    }
}

}  // namespace

DataDoor::DataDoor(Ends ends, const std::vector<std::string>& proxy_networks, Fd listener,
                   ListenerShare& share)
    : ends_(std::move(ends)),
      proxy_networks_(&proxy_networks),
      share_(&share),
      socket_(std::move(listener)) {}

DataDoor::DataDoor(Ends ends, Endpoint target) : ends_(std::move(ends)), target_(std::move(target)) {}

Fd DataDoor::listen_at(const Endpoint& where) {
    auto socket = new_socket(where);
    if (!socket) return socket;
    switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    send_at_once(socket.get());
    if (::bind(socket.get(), where.data(), static_cast<socklen_t>(where.size())) == 0 &&
        ::listen(socket.get(), 8) == 0)
        return socket;
    const int failed = errno;
    socket.reset();
    errno = failed;
    return socket;
}

bool DataDoor::is_open() const {
    const std::lock_guard lock(mutex_);
    return !over_;
}

bool DataDoor::somebody_waits() const {
    const std::lock_guard lock(mutex_);
    if (!is_passive() || over_) return false;
    pollfd listener{socket_.get(), POLLIN, 0};
    return ::poll(&listener, 1, 0) > 0;
}

void DataDoor::cancel() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    // Wakes whoever waits there; closing it would not, and another file might get its number.
    if (socket_) (void)::shutdown(socket_.get(), SHUT_RDWR);
}

void DataDoor::shut() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (!socket_) return;
    socket_.reset();
    if (share_) share_->give_back();
}

Error DataDoor::cancelled() const {
    return {Code::cancelled, "the wait for the data connection was ended"};
}

Result<Fd> DataDoor::connect(Clock::duration limit) {
    const auto deadline = Clock::now() + limit;
    return is_passive() ? accept_peer(deadline) : connect_to_peer(deadline);
}

Result<Fd> DataDoor::accept_peer(Clock::time_point deadline) {
    for (;;) {
        asio::ip::address from;
        TRY(auto socket, accept_one(from, deadline));
        const auto origin = origin_of(socket, from);
        if (origin && *origin == ends_.peer) return socket;
        log::warning("data_connection_refused", {{"why", origin ? "another address" : origin.error().what},
                                                 {"from", origin ? origin->to_string() : ""},
                                                 {"peer", ends_.peer.to_string()}});
    }
}

Result<Fd> DataDoor::accept_one(asio::ip::address& from, Clock::time_point deadline) {
    for (;;) {
        if (!is_open()) return cancelled();
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        Fd socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC));
        if (socket) {
            from = address_of(address);
            return socket;
        }
        const int failed = errno;
        if (failed == EMFILE || failed == ENFILE) return Error{Code::unavailable, "too many files are open"};
        if (failed == ENOMEM || failed == ENOBUFS) return system_error(failed, "accept the data connection");
        // Any other: it was gone before it was accepted.
        if (failed == EAGAIN && !wait_for(socket_.get(), POLLIN, deadline))
            return Error{Code::timeout, "nobody connected to the data port",
                         "check that the server's data ports are open on the way from the client"};
    }
}

// Who connected, or whom a proxy forwards. Proxies are trusted to send their header at once, so that waiting
// for it keeps nobody else waiting.
Result<asio::ip::address> DataDoor::origin_of(const Fd& socket, const asio::ip::address& from) const {
    if (proxy_networks_->empty() || !is_in(*proxy_networks_, from.to_string())) return from;
    const auto deadline = Clock::now() + proxy_header_limit;
    ProxyReader reader;
    for (;;) {
        TRY(const bool whole, reader.read_from(socket.get()));
        if (whole) break;
        if (!wait_for(socket.get(), POLLIN, deadline))
            return Error{Code::timeout, "PROXY header: it did not come in time"};
    }
    if (reader.header().local) return from;
    const auto source = asio::ip::make_address(reader.header().source);
    if (source.is_v6() && source.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, source.to_v6());
    return source;
}

Result<Fd> DataDoor::connect_to_peer(Clock::time_point deadline) {
    const auto refused = [](int failed) {
        auto error = system_error(failed, "connecting to the client's data port");
        error.remedy = use_passive;
        return error;
    };
    auto made = new_socket(target_);
    if (!made) return system_error(errno, "data connection");
    send_at_once(made.get());
    // Behind a proxy the two may speak different protocols.
    const Endpoint own(ends_.bound, 0);
    if (ends_.bound.is_v4() == target_.address().is_v4() &&
        ::bind(made.get(), own.data(), static_cast<socklen_t>(own.size())) != 0)
        return system_error(errno, "data connection");
    const int socket = made.get();
    {
        const std::lock_guard lock(mutex_);
        if (over_) return cancelled();
        socket_ = std::move(made);
    }
    const bool begun = ::connect(socket, target_.data(), static_cast<socklen_t>(target_.size())) == 0 ||
                       errno == EINPROGRESS;
    int failed = begun ? 0 : errno;
    const bool in_time = !begun || wait_for(socket, POLLOUT, deadline);
    socklen_t size = sizeof failed;
    if (begun && in_time) (void)::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failed, &size);
    const std::lock_guard lock(mutex_);
    made = std::move(socket_);
    if (over_) return cancelled();
    if (!in_time) return Error{Code::timeout, "the client's data port did not answer", use_passive};
    if (failed != 0) return refused(failed);
    int waits = 0;
    if (::ioctl(socket, FIONBIO, &waits) != 0) return system_error(errno, "data connection");
    return made;
}

}  // namespace stowage::ftps
