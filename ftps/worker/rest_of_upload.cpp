// Runs in: worker.
#include "ftps/worker/rest_of_upload.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace stowage::ftps {

namespace asio = boost::asio;

boost::asio::awaitable<void> throw_away_rest(asio::any_io_executor executor, Fd connection,
                                             std::chrono::steady_clock::duration limit) {
    using namespace asio::experimental::awaitable_operators;
    constexpr auto as_pair = asio::as_tuple(asio::use_awaitable);
    constexpr std::size_t at_once = 1 << 20;
    asio::posix::stream_descriptor readable(executor, connection.release());
    asio::steady_timer timer(executor, limit);
    for (;;) {
        auto outcome =
            co_await (readable.async_wait(readable.wait_read, as_pair) || timer.async_wait(as_pair));
        if (outcome.index() == 1) co_return;
        // MSG_TRUNC: the kernel throws it away itself, see tcp(7).
        const auto size = ::recv(readable.native_handle(), nullptr, at_once, MSG_DONTWAIT | MSG_TRUNC);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) co_return;
    }
}

}  // namespace stowage::ftps
