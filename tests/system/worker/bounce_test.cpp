// FTP bounce (RFC 2577 §3): nobody else is connected to on a client's word.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

/// Listens at a loopback address of its own, which stands for a machine in the lab's network.
class Victim {
  public:
    explicit Victim(const char* address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        ::inet_pton(AF_INET, address, &here.sin_addr);
        socklen_t size = sizeof here;
        auto* generic = reinterpret_cast<sockaddr*>(&here);
        if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 1) != 0 ||
            ::getsockname(socket_.get(), generic, &size) != 0)
            throw std::runtime_error("listen");
        port_ = ntohs(here.sin_port);
    }
    std::string port_argument(const std::string& address) const {
        auto text = address + "," + std::to_string(port_ >> 8) + "," + std::to_string(port_ & 255);
        std::replace(text.begin(), text.end(), '.', ',');
        return text;
    }
    unsigned port() const { return port_; }
    bool was_reached() const {
        pollfd wait{socket_.get(), POLLIN, 0};
        return ::poll(&wait, 1, 300) != 0;
    }

  private:
    Fd socket_;
    unsigned port_ = 0;
};

}  // namespace

// Taken out (DataConnection::aim compares no address): the first reply is 200.
TEST(Bounce, ReachesNoOtherAddress) {
    Rig rig;
    rig.write_as_pod("/payload", "MAIL FROM:<mallory@example.org>\r\n");
    const Victim victim("127.0.0.9");
    auto mallory = rig.login("mallory");
    const auto eprt = "EPRT |1|127.0.0.9|" + std::to_string(victim.port()) + "|";
    for (const auto& command : {"PORT " + victim.port_argument("127.0.0.9"), eprt}) {
        EXPECT_EQ(mallory.control->ask(command).code, 500) << command;
        EXPECT_EQ(mallory.control->ask("RETR payload").code, 425) << command;
    }
    EXPECT_FALSE(victim.was_reached());
}

// Taken out (no limit of ports): the client's own machine's services are spoken to.
TEST(Bounce, ReachesNoServicePort) {
    Rig rig;
    auto mallory = rig.login("mallory");
    for (const auto* command : {"PORT 127,0,0,1,3,255", "PORT 127,0,0,1,0,25", "EPRT |1|127.0.0.1|1023|"})
        EXPECT_EQ(mallory.control->ask(command).code, 500) << command;
    EXPECT_EQ(mallory.control->ask("PORT 127,0,0,1,4,0").code, 200);
}

// A target that was good is forgotten when one that is not was asked for.
// Taken out (reset() in DataConnection::aim()): this fails.
TEST(Bounce, ARefusedTargetLeavesNoneBehind) {
    Rig rig;
    const Victim own("127.0.0.1");
    auto mallory = rig.login("mallory");
    EXPECT_EQ(mallory.control->ask("PORT " + own.port_argument("127.0.0.1")).code, 200);
    EXPECT_EQ(mallory.control->ask("PORT 127,0,0,9,200,0").code, 500);
    EXPECT_EQ(mallory.control->ask("LIST").code, 425);
    EXPECT_FALSE(own.was_reached());
}

}  // namespace stowage::ftps::rig
