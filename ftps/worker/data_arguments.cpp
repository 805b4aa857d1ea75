// Numbers and addresses, as two RFCs write them.
// Runs in: worker.
#include "ftps/worker/data_arguments.hpp"

#include <array>
#include <charconv>

namespace stowage::ftps {

namespace {

using boost::asio::ip::tcp;

template <typename Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Result<tcp::endpoint> parse_port_argument(std::string_view text) {
    const Error bad{Code::usage, "PORT takes h1,h2,h3,h4,p1,p2, each from 0 to 255", "use PASV or EPSV"};
    std::array<std::uint8_t, 6> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto comma = text.find(',');
        if ((comma == std::string_view::npos) != (i == numbers.size() - 1)) return bad;
        if (!read_number(text.substr(0, comma), numbers[i])) return bad;
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    const boost::asio::ip::address_v4 address({numbers[0], numbers[1], numbers[2], numbers[3]});
    return tcp::endpoint(address, static_cast<std::uint16_t>(numbers[4] << 8 | numbers[5]));
}

Result<tcp::endpoint> parse_eprt_argument(std::string_view text) {
    const Error bad{Code::usage, "EPRT takes |protocol|address|port|, for example |1|192.0.2.7|50000|",
                    "use EPSV"};
    if (text.size() < 5 || text.back() != text.front()) return bad;
    const char bar = text.front();
    text = text.substr(1, text.size() - 2);
    const auto first = text.find(bar), last = text.rfind(bar);
    if (first == std::string_view::npos || last <= first) return bad;
    const auto protocol = text.substr(0, first);
    if (protocol != "1" && protocol != "2")
        return Error{Code::unsupported, "this network protocol is unknown; use (1,2)"};
    const auto written = text.substr(first + 1, last - first - 1);
    boost::system::error_code failed;
    // A zone ("%eth0") would make the parser ask the kernel for its number; no client of ours needs one.
    if (written.find('%') != std::string_view::npos || written.size() > 45) return bad;
    const auto address = boost::asio::ip::make_address(std::string(written), failed);
    std::uint16_t port = 0;
    if (failed || address.is_v4() != (protocol == "1") || !read_number(text.substr(last + 1), port))
        return bad;
    return tcp::endpoint(address, port);
}

}  // namespace stowage::ftps
