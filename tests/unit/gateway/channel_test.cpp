// A peer that does not read, one that never stops, and descriptors for which there is no room.
#include "gateway/base/channel.hpp"
#include "gateway/base/messages/children.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace stowage::ipc {

namespace {

namespace asio = boost::asio;

asio::awaitable<void> receive_into(Channel& channel, std::optional<Error>& ended) {
    for (;;) {
        auto packet = co_await channel.receive();
        if (packet) continue;
        ended = packet.error();
        co_return;
    }
}

asio::awaitable<void> count(Channel& channel, unsigned& received) {
    for (;;) {
        const auto packet = co_await channel.receive();
        if (!packet) co_return;
        ++received;
    }
}

/// No descriptor more than are open now.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

  private:
    rlimit before_{};
};

}  // namespace

// Fails when the queue has no end, or goes on behind a gap.
TEST(Channel, OneWhoDoesNotReadIsLetGo) {
    constexpr std::size_t most = 5;
    auto pair = make_pair();
    asio::io_context io(1);
    Channel channel(io.get_executor(), std::move(pair->first), most);
    std::optional<Error> ended;
    asio::co_spawn(io, receive_into(channel, ended), asio::detached);
    io.poll();
    Result<void> sent;
    unsigned count = 0;
    for (; sent && count < 100'000; ++count)
        sent = channel.send(message::Ready{});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, Code::unavailable);
    EXPECT_FALSE(channel.is_open());
    io.restart();
    io.poll();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->code, Code::cancelled);
    // What the kernel took, and not more than may wait here.
    unsigned arrived = 0;
    while (receive(pair->second.get()))
        ++arrived;
    EXPECT_LE(count - 1 - arrived, most);
}

// Fails when receive() hands out packets as long as there are any.
TEST(Channel, OneWhoNeverStopsKeepsNobodyWaiting) {
    auto pair = make_pair();
    asio::io_context io(1);
    Channel channel(io.get_executor(), std::move(pair->first));
    unsigned sent = 0, received = 0, received_before_the_other = 0;
    while (sent < 50 && send(pair->second.get(), message::Ready{}))
        ++sent;
    asio::co_spawn(io, count(channel, received), asio::detached);
    asio::post(io, [&] { received_before_the_other = received; });
    pair->second.reset();
    io.run();
    EXPECT_EQ(received, 50u);
    EXPECT_GT(received_before_the_other, 0u);
    EXPECT_LE(received_before_the_other, 16u);
}

// Fails when such a packet is an error of the whole channel: a worker ended by it, with all its sessions.
TEST(Channel, APacketWhoseDescriptorsAreLostIsStillOne) {
    auto pair = make_pair();
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(send(pair->first.get(), message::Ready{}, {null.get(), null.get()}));
    ASSERT_TRUE(send(pair->first.get(), message::Ready{}, {null.get()}));
    {
        const NoMoreDescriptors full;
        const auto packet = receive(pair->second.get());
        ASSERT_TRUE(packet) << packet.error().text();
        EXPECT_TRUE(packet->fds_lost);
        EXPECT_TRUE(packet->fds.empty());
        EXPECT_TRUE(packet->as<message::Ready>());
    }
    const auto next = receive(pair->second.get());
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->fds_lost);
    EXPECT_EQ(next->fds.size(), 1u);
}

}  // namespace stowage::ipc
