// The stand-in's server: HTTP/1.1, plain or TLS, on 127.0.0.1.
// Runs in: runai_stand_in, tests. Distrusts: clients' bytes and pace.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::stand_in {

class Api;

struct Options {
    std::uint16_t port = 0;        ///< 0: any
    std::string certificate, key;  ///< PEM files; empty: plain HTTP
    std::string state_file;        ///< empty: memory only
    std::string cluster = "runai-cluster";
    std::string version = "2.20.29";  ///< of the cluster: one of 2.20, or newer for the API of 2.24
    std::vector<std::string> departments;
    std::string client_id = "stowage";
    Secret client_secret;
    std::chrono::seconds token_lifetime{3600};
};

/// Listens from start() until it is destroyed. One thread.
class Server {
  public:
    static Result<std::unique_ptr<Server>> start(boost::asio::any_io_executor executor, Options options);
    ~Server();

    std::uint16_t port() const;
    std::string url() const;
    Api& api();
    /// Connections accepted so far.
    unsigned connections() const;

  private:
    struct State;
    explicit Server(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace stowage::stand_in
