// Who always has more to read.
#include "ftps/front/turn.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace stowage::ftps {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> read_on(Turn& turn, asio::any_io_executor executor, unsigned& reads) {
    while (reads < 50) {
        co_await turn.next(executor);
        ++reads;
    }
}

// Taken out (Turn::next() never waits): all is read first.
TEST(Turn, GivesWayToTheOthersNowAndThen) {
    asio::io_context io(1);
    Turn turn;
    unsigned reads = 0, before_the_other = 0;
    asio::co_spawn(io, read_on(turn, io.get_executor(), reads), asio::detached);
    asio::post(io, [&] { before_the_other = reads; });
    io.run();
    EXPECT_EQ(reads, 50u);
    EXPECT_GT(before_the_other, 0u);
    EXPECT_LE(before_the_other, 16u);
}

}  // namespace
}  // namespace stowage::ftps
