// The arguments of PORT and EPRT.
// Runs in: worker. Distrusts: every byte.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// "h1,h2,h3,h4,p1,p2" (RFC 959 §4.1.2).
Result<boost::asio::ip::tcp::endpoint> parse_port_argument(std::string_view text);
/// "|1|132.235.1.2|6275|" (RFC 2428 §2). Code::unsupported for another protocol than 1 and 2.
Result<boost::asio::ip::tcp::endpoint> parse_eprt_argument(std::string_view text);

}  // namespace stowage::ftps
