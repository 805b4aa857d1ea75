// Replies of two threads to a front that is slow.
// Runs in: tests only.
#include "ftps/worker/control_link.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <string>
#include <thread>

namespace stowage::ftps {

namespace asio = boost::asio;

namespace {

constexpr int count = 2'000;
// About as many as the socket holds: what waits for it comes and goes all the time.
int under_way(int number) {
    return 1 + number % 12;
}

}  // namespace

// What it cannot show is the race that a reader found, in which flush() looked again at what waits and took
// what another thread had queued just then for its end: without that repair it passes too, the moment is too
// short.
TEST(ControlLink, SaysEverythingInItsOrderWhenTwoThreadsSpeakToASlowFront) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    const Fd front(ends[0]);
    const int least = 1;
    ASSERT_EQ(::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    const timeval patience{5, 0};
    ASSERT_EQ(::setsockopt(front.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);

    asio::io_context context;
    ControlLink link(context.get_executor(), Fd(ends[1]));
    std::atomic<int> heard{0};
    std::atomic<bool> over{false};
    std::thread transfer([&] {
        for (int number = 0; number < count && !over; ++number) {
            while (number - heard >= under_way(number) && !over)
                std::this_thread::yield();
            link.send(std::to_string(number));
        }
    });
    auto stay = asio::make_work_guard(context);
    std::thread main([&] { context.run(); });
    while (heard < count) {
        std::array<char, 64> packet{};
        const auto got = ::recv(front.get(), packet.data(), packet.size(), 0);
        if (got <= 0) break;
        EXPECT_EQ(std::string(packet.data() + 1, static_cast<std::size_t>(got) - 1), std::to_string(heard));
        ++heard;
    }
    over = true;
    transfer.join();
    stay.reset();
    asio::post(context, [&link] { link.close(); });
    main.join();
    EXPECT_EQ(heard, count);
}

}  // namespace stowage::ftps
