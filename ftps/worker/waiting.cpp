// Event's wait.
// Runs in: worker.
#include "ftps/worker/waiting.hpp"

#include <boost/asio/redirect_error.hpp>

namespace stowage::ftps {

asio::awaitable<bool> Event::wait(std::chrono::steady_clock::duration limit) {
    if (!happened_) {
        timer_.expires_after(limit);
        boost::system::error_code ended;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    co_return std::exchange(happened_, false);
}

}  // namespace stowage::ftps
