// Packets: whole, with descriptors, or refused.
#include "gateway/base/ipc.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/workers.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace stowage::ipc {
namespace {

TEST(Ipc, PacketCarriesStructIdAndDescriptors) {
    auto pair = make_pair();
    ASSERT_TRUE(pair);
    Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    message::RemoveLab m;
    ASSERT_TRUE(m.lab.assign("lab1"));
    ASSERT_TRUE(send(pair->first.get(), m, {null.get()}, 7));
    auto packet = receive(pair->second.get());
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->header.id, 7u);
    ASSERT_EQ(packet->fds.size(), 1u);
    EXPECT_TRUE(::fcntl(packet->fds[0].get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(packet->as<message::RemoveLab>()->lab.view(), "lab1");
}

TEST(Ipc, AnotherTypeOrSizeIsAProtocolError) {
    auto pair = make_pair();
    ASSERT_TRUE(send(pair->first.get(), message::Ready{}));
    EXPECT_EQ(receive_as<message::Idle>(pair->second.get()).error().code, Code::protocol);
    ASSERT_TRUE(send_bytes(pair->first.get(), {message::Type::idle, 0, 0}, "x", 1, {}));
    EXPECT_EQ(receive_as<message::Idle>(pair->second.get()).error().code, Code::protocol);
}

TEST(Ipc, OversizedAndShortPacketsAreProtocolErrors) {
    auto pair = make_pair();
    const std::string large(message::max_packet_bytes + 100, 'x');
    ASSERT_EQ(::send(pair->first.get(), large.data(), large.size(), 0), static_cast<ssize_t>(large.size()));
    EXPECT_EQ(receive(pair->second.get()).error().code, Code::protocol);
    ASSERT_EQ(::send(pair->first.get(), "x", 1, 0), 1);
    EXPECT_EQ(receive(pair->second.get()).error().code, Code::protocol);
}

TEST(Ipc, MoreDescriptorsThanAllowedAreClosedAndRefused) {
    auto pair = make_pair();
    Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(
        send(pair->first.get(), message::Ready{}, std::vector<int>(message::max_packet_fds + 1, null.get())));
}

TEST(Ipc, EndOfFileIsCancelled) {
    auto pair = make_pair();
    pair->first.reset();
    EXPECT_EQ(receive(pair->second.get()).error().code, Code::cancelled);
}

TEST(Ipc, HostileTextLengthStaysInsideItsArray) {
    message::LabName name;
    EXPECT_FALSE(name.assign(std::string(58, 'a')));
    name.size = 60000;
    EXPECT_EQ(name.view(), "");
}

}  // namespace
}  // namespace stowage::ipc
