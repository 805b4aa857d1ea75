// Host names into endpoints, within a time limit.
// Runs in: controller. Distrusts: name servers' pace.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "gateway/base/result.hpp"
#include "provisioning/runai/base_url.hpp"

namespace stowage::runai {

/// getaddrinfo(3) cannot be interrupted; what asked does not wait for it beyond its time.
class Lookups {
  public:
    explicit Lookups(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// At least one endpoint. Code::timeout, Code::unavailable, Code::cancelled.
    boost::asio::awaitable<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
        BaseUrl base, std::chrono::steady_clock::time_point deadline);
    void stop();

  private:
    struct Lookup;
    struct Finished;

    boost::asio::any_io_executor executor_;
    bool stopped_ = false;
    std::set<std::shared_ptr<Lookup>> pending_;
};

}  // namespace stowage::runai
