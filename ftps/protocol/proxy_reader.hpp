// Reading a PROXY header from a socket, and not one byte of what follows it.
// Runs in: front, worker. Distrusts: the peer's pace and its bytes.
#pragma once

#include <string>

#include "ftps/protocol/proxy_header.hpp"

namespace stowage::ftps {

/// For one connection. The caller waits until there is something to read, and limits the time.
class ProxyReader {
  public:
    /// Takes what is there, without blocking. False: more must come. Code::protocol for what is no header,
    /// Code::cancelled at the connection's end, Code::io when it broke.
    Result<bool> read_from(int socket);
    /// Once read_from() was true.
    const ProxyHeader& header() const { return header_; }

  private:
    std::string bytes_;
    std::size_t size_ = proxy_prefix_bytes;
    ProxyHeader header_;
};

}  // namespace stowage::ftps
