// CIDR networks: parsing, canonical form, overlap.
// Runs in: every process. Distrusts: every string given.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "gateway/base/identity.hpp"
#include "gateway/base/ip_address.hpp"
#include "gateway/base/log.hpp"

namespace stowage {

namespace {

struct Network {
    int family = AF_INET;
    AddressBytes address{};
    unsigned prefix = 0;

    unsigned bits() const { return family == AF_INET ? 32 : 128; }
    void mask_to(unsigned length) {
        for (unsigned bit = length; bit < bits(); ++bit)
            address[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
    }
    std::string text() const {
        char buffer[INET6_ADDRSTRLEN] = {};
        inet_ntop(family, address.data(), buffer, sizeof buffer);
        return fmt::format("{}/{}", buffer, prefix);
    }
};

constexpr auto remedy = "give a network such as 10.0.0.0/8 or fd00::/8, or one address";

Error bad(std::string_view text, std::string_view why, std::string what_to_do = remedy) {
    return {Code::invalid, fmt::format("network \"{}\": {}", log::escaped(text.substr(0, 80)), why),
            std::move(what_to_do)};
}

Result<Network> parse(std::string_view text) {
    Network network;
    const auto slash = text.find('/');
    const auto address = text.substr(0, slash);
    network.family = address.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
    if (!parse_ip_address(network.family, address, network.address)) return bad(text, "is not an IP address");
    network.prefix = network.bits();
    if (slash == std::string_view::npos) return network;
    const auto length = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), network.prefix);
    if (error != std::errc{} || end != length.data() + length.size() || network.prefix > network.bits())
        return bad(text, "has a prefix length that cannot be");
    return network;
}

}  // namespace

Result<std::string> parse_network(std::string_view text) {
    TRY(auto network, parse(text));
    auto masked = network;
    masked.mask_to(network.prefix);
    if (masked.address != network.address)
        return bad(text, "has bits set behind its prefix", fmt::format("did you mean {}?", masked.text()));
    return network.text();
}

namespace {

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (!text.ends_with(suffix)) return false;
    text.remove_suffix(suffix.size());
    return true;
}

bool looks_like_a_host_name(std::string_view text) {
    return text.find_first_of("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos;
}

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// Whether a network of IPv6, smaller than all of it, has IPv4 addresses in it.
bool is_mapped(Network network) {
    if (network.family != AF_INET6 || network.prefix == 0) return false;
    AddressBytes first{};
    std::copy(mapped.begin(), mapped.end(), first.begin());
    Network all{AF_INET6, first, 96};
    const auto shorter = std::min(network.prefix, all.prefix);
    network.mask_to(shorter);
    all.mask_to(shorter);
    return network.address == all.address;
}

/// Of a mapped one.
Network as_ipv4(const Network& network) {
    Network result{AF_INET, {}, network.prefix - 96};
    std::copy_n(network.address.begin() + 12, 4, result.address.begin());
    return result;
}

/// Larger than what one site has. Unique local addresses (RFC 4193) reach nobody outside.
bool is_wide(const Network& network) {
    if (network.family == AF_INET) return network.prefix < 8;
    const bool local = network.prefix >= 7 && (network.address[0] & 0xfe) == 0xfc;
    return network.prefix < 16 && !local;
}

}  // namespace

Result<Client> parse_client(std::string_view text) {
    Client client;
    auto rest = text;
    client.anybody = take_suffix(rest, ":anybody");
    client.read_only = take_suffix(rest, ":ro");
    if (looks_like_a_host_name(rest))
        return bad(text, "is a host name, or nothing known",
                   "give its address or network: who a name means, DNS would decide anew each time");
    TRY(const auto network, parse(rest));
    TRY(client.network, parse_network(rest));
    if (is_mapped(network))
        return bad(text, "is a network of IPv4 addresses",
                   network.prefix < 96 ? "name the nodes' networks"
                                       : "write it as IPv4: " + as_ipv4(network).text());
    const bool wide = is_wide(network);
    if (wide && !client.anybody)
        return bad(
            text, "opens the lab to a great part of all the addresses there are",
            fmt::format("name the nodes' networks; if all these shall mount it, write {}:anybody", text));
    if (client.anybody && !wide)
        return bad(text, "is not so large that it needs the word", fmt::format("write {}", client.network));
    return client;
}

std::string to_text(const Client& client) {
    return fmt::format("{}{}{}", client.network, client.read_only ? ":ro" : "",
                       client.anybody ? ":anybody" : "");
}

std::string client_network(std::string_view address) {
    if (address.find('/') != std::string_view::npos) return {};
    auto network = parse(address);
    if (!network) return {};
    if (network->family == AF_INET6 && std::equal(mapped.begin(), mapped.end(), network->address.begin())) {
        std::memmove(network->address.data(), network->address.data() + 12, 4);
        network->family = AF_INET;
    }
    if (network->family == AF_INET) {
        network->prefix = 32;
        const auto text = network->text();
        return text.substr(0, text.find('/'));
    }
    network->prefix = 64;
    network->mask_to(64);
    return network->text();
}

bool networks_overlap(std::string_view a, std::string_view b) {
    auto first = parse(a);
    auto second = parse(b);
    if (!first || !second || first->family != second->family) return false;
    const auto shorter = std::min(first->prefix, second->prefix);
    first->mask_to(shorter);
    second->mask_to(shorter);
    return first->address == second->address;
}

bool is_in(const std::vector<std::string>& networks, std::string_view address) {
    return std::any_of(networks.begin(), networks.end(),
                       [address](const std::string& network) { return networks_overlap(network, address); });
}

}  // namespace stowage
