// ftps.pasv_address: which address clients of which network are told.
// Runs in: every process. Distrusts: the text.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/config_parsers.hpp"
#include "gateway/base/ip_address.hpp"

namespace stowage::config_parsers {

namespace {

constexpr std::string_view everybody = "0.0.0.0/0", reached = "reached";
constexpr auto remedy =
    "use an IPv4 address, or networks with an address each: 10.8.0.0/16=10.8.0.1, default=203.0.113.5";

Error wrong(std::string_view part, std::string_view why) {
    return {Code::config, fmt::format("has \"{}\", which {}", log::escaped(part.substr(0, 80)), why), remedy};
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' '))
        text.remove_prefix(1);
    while (text.ends_with(' '))
        text.remove_suffix(1);
    return text;
}

Result<std::string> told_address(std::string_view text) {
    if (text == reached) return std::string();
    if (is_ipv4_address(text)) return std::string(text);
    return wrong(text, "is not an IPv4 address (PASV has no others; IPv6 clients use EPSV)");
}

Result<std::string> client_network(std::string_view text) {
    if (text == "default") return std::string(everybody);
    auto network = parse_network(text);
    if (!network) return Error{Code::config, "has " + network.error().what, network.error().remedy};
    if (network->find(':') != std::string::npos) return wrong(text, "is IPv6, whose clients use EPSV");
    return network;
}

unsigned prefix_of(const std::string& network) {
    unsigned length = 0;
    std::from_chars(network.data() + network.find('/') + 1, network.data() + network.size(), length);
    return length;
}

}  // namespace

Result<std::vector<PasvAddress>> pasv_addresses(std::string_view text) {
    std::vector<PasvAddress> addresses;
    for (const auto& part : split(text)) {
        const auto equals = part.find('=');
        PasvAddress entry{std::string(everybody), {}};
        if (equals != std::string::npos) {
            TRY(entry.network, client_network(trimmed(std::string_view(part).substr(0, equals))));
        }
        TRY(entry.address, told_address(trimmed(
                               std::string_view(part).substr(equals == std::string::npos ? 0 : equals + 1))));
        for (const auto& other : addresses)
            if (other.network == entry.network)
                return wrong(part, "names " + (other.network == everybody ? "the default" : other.network) +
                                       " a second time");
        addresses.push_back(std::move(entry));
    }
    std::stable_sort(addresses.begin(), addresses.end(), [](const PasvAddress& a, const PasvAddress& b) {
        return prefix_of(a.network) > prefix_of(b.network);
    });
    return addresses;
}

}  // namespace stowage::config_parsers
