// One thread serves all connections: whoever always has more to read gives way to the others now and then.
// Runs in: front. Distrusts: how much a peer sends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::ftps {

class Turn {
  public:
    /// Before each read. Suspends once in a while, so nothing may lie in the shared scratch.
    boost::asio::awaitable<void> next(boost::asio::any_io_executor executor) {
        if (++reads_ % reads_in_a_row == 0) co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }

  private:
    static constexpr unsigned reads_in_a_row = 16;
    unsigned reads_ = 0;
};

}  // namespace stowage::ftps
