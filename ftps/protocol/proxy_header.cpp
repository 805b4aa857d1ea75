// The parser.
// Runs in: front, worker. Distrusts: every byte.
#include "ftps/protocol/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cstdint>

namespace stowage::ftps {

namespace {

using namespace std::string_view_literals;

constexpr auto signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr unsigned version = 2, command_local = 0, command_proxy = 1;
constexpr unsigned tcp_over_ipv4 = 0x11, tcp_over_ipv6 = 0x21;
constexpr unsigned checksum_type = 0x03;
constexpr std::size_t tlv_prefix_bytes = 3, checksum_bytes = 4;

Error refused(std::string why) {
    return {Code::protocol, "PROXY header: " + std::move(why)};
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::size_t length_at(std::string_view bytes, std::size_t at) {
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

/// Empty for addresses that no client of ours can have: unspecified ones.
std::string address_at(std::string_view bytes, std::size_t at, bool ipv6) {
    constexpr auto mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff"sv;
    auto raw = bytes.substr(at, ipv6 ? 16 : 4);
    if (ipv6 && raw.starts_with(mapped)) {
        raw.remove_prefix(mapped.size());
        ipv6 = false;
    }
    if (raw.find_first_not_of('\0') == std::string_view::npos) return {};
    char text[INET6_ADDRSTRLEN] = {};
    return ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, raw.data(), text, sizeof text) ? text : "";
}

/// §2.2.4: CRC32C of the whole header with zeros in the checksum's own place.
bool checksum_is_right(std::string_view whole, std::size_t at) {
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum;
    constexpr char zeros[checksum_bytes] = {};
    sum.process_bytes(whole.data(), at);
    sum.process_bytes(zeros, sizeof zeros);
    sum.process_bytes(whole.data() + at + checksum_bytes, whole.size() - at - checksum_bytes);
    return sum.checksum() == (length_at(whole, at) << 16 | length_at(whole, at + 2));
}

Result<void> check_tlvs(std::string_view whole, std::size_t at) {
    while (at < whole.size()) {
        if (whole.size() - at < tlv_prefix_bytes) return refused("bytes behind the last TLV");
        const auto type = byte_at(whole, at);
        const auto size = length_at(whole, at + 1);
        at += tlv_prefix_bytes;
        if (size > whole.size() - at) return refused("a TLV reaches beyond the header");
        if (type == checksum_type && (size != checksum_bytes || !checksum_is_right(whole, at)))
            return refused("the checksum is wrong");
        at += size;
    }
    return {};
}

}  // namespace

bool starts_like_proxy_header(std::string_view bytes) {
    const auto common = std::min(bytes.size(), signature.size());
    return common > 0 && bytes.substr(0, common) == signature.substr(0, common);
}

Result<std::size_t> proxy_header_size(std::string_view prefix) {
    if (prefix.size() != proxy_prefix_bytes || !prefix.starts_with(signature))
        return refused("the connection does not begin with one");
    if (byte_at(prefix, 12) >> 4 != version) return refused("not of version 2");
    const auto size = proxy_prefix_bytes + length_at(prefix, 14);
    if (size > max_proxy_header_bytes) return refused("too long");
    return size;
}

Result<ProxyHeader> parse_proxy_header(std::string_view whole) {
    TRY(const auto size, proxy_header_size(whole.substr(0, proxy_prefix_bytes)));
    if (whole.size() != size) return refused("its length is another one than it tells");
    ProxyHeader header;
    const auto command = byte_at(whole, 12) & 0x0f;
    if (command == command_local) {
        // §2.2: whatever stands behind it says nothing about this connection.
        header.local = true;
        return header;
    }
    if (command != command_proxy) return refused("an unknown command");
    const auto family = byte_at(whole, 13);
    if (family != tcp_over_ipv4 && family != tcp_over_ipv6)
        return refused("neither TCP over IPv4 nor over IPv6");
    const bool ipv6 = family == tcp_over_ipv6;
    const std::size_t address_bytes = ipv6 ? 16 : 4, block_bytes = 2 * address_bytes + 2 * 2;  // ports
    if (size < proxy_prefix_bytes + block_bytes) return refused("too short for its addresses");
    header.source = address_at(whole, proxy_prefix_bytes, ipv6);
    header.destination = address_at(whole, proxy_prefix_bytes + address_bytes, ipv6);
    if (header.source.empty() || header.destination.empty())
        return refused("an address that nobody can have");
    CHECK(check_tlvs(whole, proxy_prefix_bytes + block_bytes));
    return header;
}

}  // namespace stowage::ftps
