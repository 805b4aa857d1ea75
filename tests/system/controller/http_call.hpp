// One HTTP request over a Unix or a TCP socket, blocking, answered as a whole.
// Runs in: system tests.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "gateway/base/fd.hpp"

namespace stowage::controller::testing {

struct HttpAnswer {
    unsigned status = 0;  ///< 0: the connection ended before an answer
    std::string body;     ///< without chunk framing; what came until the connection ended

    boost::json::value json() const;
    /// Each line of an NDJSON answer.
    std::vector<boost::json::value> events() const;
    /// The last event; null if it is no result.
    boost::json::value result() const;
};

Fd connect_unix(const std::string& path);
Fd connect_loopback(std::uint16_t port);

HttpAnswer call(const Fd& socket, const std::string& method, const std::string& target,
                const std::string& body = "");
/// Sends as it is, reads until the end.
HttpAnswer send_and_read(const Fd& socket, const std::string& bytes);

}  // namespace stowage::controller::testing
