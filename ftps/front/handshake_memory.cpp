// OpenSSL's malloc, with an end to it.
// Runs in: front.
#include "ftps/front/handshake_memory.hpp"

#include <openssl/crypto.h>

#include <cstddef>
#include <cstdlib>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

namespace {

// Enough for a certificate chain of 32 KiB: buffers double, and OpenSSL takes a third more.
constexpr std::size_t most_at_once = 48 << 10;

// The front has one thread.
bool is_bounded = false, was_refused = false;

bool may_have(std::size_t size) {
    const bool refused = is_bounded && size > most_at_once;
    was_refused = was_refused || refused;
    return !refused;
}

void* take(std::size_t size, const char*, int) {
    return size > 0 && may_have(size) ? std::malloc(size) : nullptr;
}

void* take_again(void* block, std::size_t size, const char*, int) {
    return may_have(size) ? std::realloc(block, size) : nullptr;
}

void give(void* block, const char*, int) {
    std::free(block);
}

bool is_ours = false;

// OpenSSL takes no other malloc once it has used its own, as static objects do (ticket_keys.cpp).
[[gnu::constructor(101)]] void put_it_first() {
    is_ours = CRYPTO_set_mem_functions(take, take_again, give) == 1;
}

}  // namespace

void HandshakeMemory::check_process() {
    if (!is_ours) throw Fatal({Code::internal, "OpenSSL has taken memory before the front could bound it"});
}

HandshakeMemory::HandshakeMemory() {
    is_bounded = true;
    was_refused = false;
}

HandshakeMemory::~HandshakeMemory() {
    is_bounded = false;
}

bool HandshakeMemory::has_refused() const {
    return was_refused;
}

}  // namespace stowage::ftps
