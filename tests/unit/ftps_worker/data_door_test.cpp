// Who keeps a command waiting at its port, and for how long.
// Runs in: tests only.
#include "ftps/worker/data_door.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <vector>

namespace stowage::ftps {

using namespace std::chrono_literals;

class Door : public testing::Test {
  protected:
    static boost::asio::ip::address address(const char* text) { return boost::asio::ip::make_address(text); }
    Fd connect_from(const char* from) const {
        Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in own{};
        own.sin_family = AF_INET;
        ::inet_pton(AF_INET, from, &own.sin_addr);
        EXPECT_EQ(::bind(client.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
        EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&door_at), sizeof door_at), 0);
        return client;
    }
    void SetUp() override {
        auto listener = DataDoor::listen_at({address("127.0.0.1"), 0});
        ASSERT_TRUE(listener);
        socklen_t size = sizeof door_at;
        ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&door_at), &size), 0);
        share.take();
        const auto here = address("127.0.0.1");
        door.emplace(Ends{here, here, address("127.0.0.2")}, proxies, std::move(listener), share);
    }

    boost::asio::io_context context;
    ListenerShare share{context.get_executor(), 10, 10};
    const std::vector<std::string> proxies{"127.0.0.9/32"};
    sockaddr_in door_at{};
    std::optional<DataDoor> door;
};

TEST_F(Door, TheRightOneIsFoundBehindStrangers) {
    std::vector<Fd> strangers;
    for (int i = 0; i < 20; ++i)
        strangers.push_back(connect_from("127.0.0.3"));
    const auto client = connect_from("127.0.0.2");
    EXPECT_TRUE(door->connect(20s));
}

// Each may take two seconds to be turned away, and the queue is not empty in all that time.
TEST_F(Door, AQueueOfStrangersKeepsNobodyWaitingBeyondTheLimit) {
    std::vector<Fd> strangers;
    for (int i = 0; i < 8; ++i)
        strangers.push_back(connect_from("127.0.0.9"));
    const auto began = DataDoor::Clock::now();
    const auto nobody = door->connect(500ms);
    EXPECT_LT(DataDoor::Clock::now() - began, 8s);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, Code::timeout);
}

}  // namespace stowage::ftps
