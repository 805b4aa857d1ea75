// libFuzzer: any bytes where a PROXY header should be, whole and through the reader's two steps.
// Planted, and found within a second: a TLV's prefix read behind the header's end, after 19 inputs.
#include <arpa/inet.h>

#include <cstdint>
#include <cstdlib>

#include "ftps/protocol/proxy_header.hpp"

namespace {

using namespace stowage::ftps;

void demand_address(const std::string& text) {
    unsigned char bytes[16];
    if (::inet_pton(AF_INET, text.c_str(), bytes) != 1 && ::inet_pton(AF_INET6, text.c_str(), bytes) != 1)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto header = parse_proxy_header(bytes);
    const auto told = proxy_header_size(bytes.substr(0, proxy_prefix_bytes));
    if (told && *told > max_proxy_header_bytes) std::abort();
    if (!header) return 0;
    if (!told || *told != size || !starts_like_proxy_header(bytes)) std::abort();
    if (header->local != (header->source.empty() && header->destination.empty())) std::abort();
    if (header->local) return 0;
    demand_address(header->source);
    demand_address(header->destination);
    return 0;
}
