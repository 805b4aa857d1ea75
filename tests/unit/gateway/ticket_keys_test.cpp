// Ticket keys: always fresh, a day's worth of old ones.
#include "gateway/supervisor/ticket_keys.hpp"

#include <gtest/gtest.h>

namespace stowage::supervisor {
namespace {

// Taken out one by one (the limit; three keys, each random): each fails.
TEST(TicketKeys, KeepsADayOfThemNewestLast) {
    TicketKeys keys;
    const auto first = keys.rotate().name;
    for (std::size_t i = 0; i < message::ticket_keys_kept; ++i)
        keys.rotate();
    EXPECT_EQ(keys.all().size(), message::ticket_keys_kept);
    for (const auto& key : keys.all())
        EXPECT_NE(key.name, first);
    EXPECT_NE(keys.all().front().aes, keys.all().back().aes);
    EXPECT_NE(keys.all().back().aes, keys.all().back().hmac);
}

}  // namespace
}  // namespace stowage::supervisor
