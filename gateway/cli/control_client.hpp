// HTTP over the gateway's Unix socket.
// Runs in: CLI. Distrusts: the pace and the answers of whoever listens on the socket.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/cli/wait.hpp"

namespace stowage::cli {

/// `target` holds checked names only: they need no percent encoding (identity.hpp).
struct ControlRequest {
    std::string method, target;
    Secret body = {};  ///< JSON; may carry passwords
};

/// One connection per request; blocks, with limits.
class ControlClient {
  public:
    struct Limits {
        std::chrono::seconds answer{120};   ///< for a whole plain answer
        std::chrono::seconds silence{600};  ///< between two events of a stream
    };
    /// Takes one line of a stream without its newline; an error ends the stream.
    using LineSink = std::function<Result<void>(std::string_view line)>;

    explicit ControlClient(std::string socket_path);
    ControlClient(std::string socket_path, Limits limits);

    /// The body of a 2xx answer. Refusals are the gateway's own Error; Code::unavailable when no gateway
    /// listens, Code::denied when the socket is not ours to use, Code::timeout, Code::protocol,
    /// Code::cancelled (a signal).
    Result<std::string> fetch(const ControlRequest& request);

    /// Feeds each line of an NDJSON answer to `sink` as it comes; errors as of fetch().
    /// @param tick called about ten times a second while nothing comes
    Result<void> follow(const ControlRequest& request, const LineSink& sink, std::function<void()> tick);

    /// True if the last request was sent and its whole answer did not come, or came as a 5xx: what it asked
    /// for may have been done.
    bool in_doubt() const { return in_doubt_; }
    const std::string& socket_path() const { return socket_path_; }

  private:
    struct Exchange;
    Result<Fd> connect() const;
    Result<void> send(const Fd& socket, std::string_view bytes) const;
    Result<void> receive(Exchange& exchange);
    Result<void> run(Exchange& exchange, const ControlRequest& request);

    std::string socket_path_;
    Limits limits_;
    bool in_doubt_ = false;
};

}  // namespace stowage::cli
