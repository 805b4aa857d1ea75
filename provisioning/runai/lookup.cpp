// Host names into endpoints, within a time limit.
// Runs in: controller. Distrusts: name servers' pace.
#include "provisioning/runai/lookup.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"

namespace asio = boost::asio;
using boost::system::error_code;

namespace stowage::runai {

struct Lookups::Lookup {
    explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
    asio::ip::tcp::resolver resolver;
    asio::steady_timer done;
    bool finished = false;
    error_code error;
    std::vector<asio::ip::tcp::endpoint> endpoints;
};

struct Lookups::Finished {
    std::shared_ptr<Lookup> lookup;
    void operator()(error_code error, const asio::ip::tcp::resolver::results_type& results) {
        lookup->error = error;
        for (const auto& result : results)
            lookup->endpoints.push_back(result.endpoint());
        lookup->finished = true;
        lookup->done.cancel();
    }
};

asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> Lookups::resolve(
    BaseUrl base, std::chrono::steady_clock::time_point deadline) {
    if (base.host_is_address)
        co_return std::vector{asio::ip::tcp::endpoint(asio::ip::make_address(base.host), base.port)};
    const auto lookup = std::make_shared<Lookup>(executor_);
    pending_.insert(lookup);
    lookup->done.expires_at(deadline);
    lookup->resolver.async_resolve(base.host, std::to_string(base.port), Finished{lookup});
    co_await lookup->done.async_wait(asio::as_tuple(asio::use_awaitable));
    pending_.erase(lookup);
    const auto doing = fmt::format("looking up {}: ", log::escaped(base.host));
    if (stopped_) co_return Error{Code::cancelled, doing + "cancelled"};
    if (!lookup->finished)
        co_return Error{Code::timeout, doing + "no answer in time", "check the name servers"};
    if (lookup->error || lookup->endpoints.empty())
        co_return Error{Code::unavailable, doing + lookup->error.message(),
                        "check runai.url and the name servers"};
    co_return lookup->endpoints;
}

void Lookups::stop() {
    stopped_ = true;
    for (const auto& lookup : pending_)
        lookup->done.cancel();
}

}  // namespace stowage::runai
