// Making and dropping session ticket keys.
// Runs in: supervisor.
#include "gateway/supervisor/ticket_keys.hpp"

#include <string.h>
#include <sys/random.h>

#include <cerrno>

namespace stowage::supervisor {

namespace {

template <typename Bytes>
void fill_random(Bytes& bytes) {
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw Fatal(system_error(errno, "getrandom"));
}

}  // namespace

TicketKeys::~TicketKeys() {
    for (auto& key : keys_)
        explicit_bzero(&key, sizeof key);
}

const message::TicketKey& TicketKeys::rotate() {
    auto& key = keys_.emplace_back();
    fill_random(key.name);
    fill_random(key.aes);
    fill_random(key.hmac);
    if (keys_.size() > message::ticket_keys_kept) {
        explicit_bzero(&keys_.front(), sizeof keys_.front());
        keys_.pop_front();
    }
    return keys_.back();
}

}  // namespace stowage::supervisor
