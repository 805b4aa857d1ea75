// HTTP/1.1 over TLS to one host: a pool of kept-alive connections, one request at a time on each.
// Runs in: controller. Distrusts: the network, the certificate, sizes and pace of replies.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"
#include "provisioning/runai/base_url.hpp"

namespace stowage::runai {

enum class Method { get, post, put, remove };

std::string_view to_string(Method method);

struct HttpRequest {
    Method method = Method::get;
    std::string target;
    std::string body;     ///< JSON; empty: none. Wiped after use: it may hold the client secret.
    Secret bearer_token;  ///< empty: none
};

struct HttpResponse {
    unsigned status = 0;
    std::string body;
    std::string retry_after, location;  ///< headers, as sent
};

/// What came of one request.
struct Exchange {
    std::optional<HttpResponse> response;
    Error error;           ///< without a response
    bool sent = false;     ///< part of the request may have arrived
    bool lasting = false;  ///< trying again changes nothing: certificate, size
};

/// Largest body that we take.
inline constexpr std::size_t max_body_bytes = 8 << 20;

/// Connections to the control plane.
class Connections {
  public:
    /// @param ca_bundle PEM file that replaces the system's store; empty: the system's. Code::config if
    /// unusable.
    static Result<std::unique_ptr<Connections>> make(boost::asio::any_io_executor executor, BaseUrl base,
                                                     const std::string& ca_bundle, bool skip_verify);
    ~Connections();

    /// Sends on an idle connection or a new one. Ends by `deadline`. The Connections must outlive it.
    boost::asio::awaitable<Exchange> exchange(HttpRequest request,
                                              std::chrono::steady_clock::time_point deadline);

    /// Ends all exchanges, also later ones, with Code::cancelled.
    void stop();

  private:
    struct State;
    explicit Connections(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace stowage::runai
