// First the part of fixed length, then what that tells.
// Runs in: front, worker.
#include "ftps/protocol/proxy_reader.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace stowage::ftps {

Result<bool> ProxyReader::read_from(int socket) {
    char buffer[max_proxy_header_bytes];
    while (bytes_.size() < size_) {
        const auto got = ::recv(socket, buffer, size_ - bytes_.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        if (got < 0) return system_error(errno, "recv");
        if (got == 0) return Error{Code::cancelled, "PROXY header: the connection ended before it"};
        bytes_.append(buffer, static_cast<std::size_t>(got));
        // Early, so that whoever speaks something else is not waited for.
        if (!starts_like_proxy_header(bytes_)) return proxy_header_size(bytes_).error();
        if (bytes_.size() == proxy_prefix_bytes) {
            TRY(size_, proxy_header_size(bytes_));
        }
    }
    TRY(header_, parse_proxy_header(bytes_));
    return true;
}

}  // namespace stowage::ftps
