// One API call: permit, token, request, and what to make of the answer.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <list>
#include <memory>
#include <random>
#include <string>

#include "provisioning/runai/circuit_breaker.hpp"
#include "provisioning/runai/client.hpp"
#include "provisioning/runai/https.hpp"
#include "provisioning/runai/replies.hpp"
#include "provisioning/runai/version.hpp"

namespace stowage::runai {

struct Call {
    Method method = Method::get;
    std::string path;   ///< for words and logs: "/api/v1/clusters"
    std::string query;  ///< "?…" or empty
    std::string body;
    bool authorized = true;

    std::string name() const { return std::string(to_string(method)) + ' ' + path; }
};

/// A whole answer: 2xx with JSON, or a 4xx that no repetition changes.
struct Reply {
    unsigned status = 0;
    boost::json::value json;  ///< of 2xx
    std::string error_text;   ///< of 4xx, escaped
    std::size_t bytes = 0;    ///< of 2xx: of its body
};

enum class Verdict {
    answered,
    failed,   ///< for good
    refused,  ///< not done, may be done later: connection refused, 429
    unclear,  ///< may have been done: lost answer, 5xx, an answer that is no JSON
};

struct Attempt {
    Verdict verdict = Verdict::failed;
    Reply reply;
    Error error;
    std::optional<std::chrono::seconds> retry_after;
    /// It was sent, and no answer says that it was not done: unclear, or failed for good after it was sent.
    bool may_be_done = false;
};

/// What all calls of one Client share.
struct Caller {
    Caller(boost::asio::any_io_executor executor_, Settings settings_,
           std::unique_ptr<Connections> connections_);

    struct Refresh {
        explicit Refresh(const boost::asio::any_io_executor& executor) : done(executor) {}
        boost::asio::steady_timer done;
        bool finished = false;
        Result<void> outcome{};
    };

    boost::asio::any_io_executor executor;
    Settings settings;
    std::unique_ptr<Connections> connections;
    CircuitBreaker circuit;
    bool stopped = false;

    Secret token;
    std::uint64_t token_number = 0;  ///< counts tokens, so that a 401 discards the one it was about
    std::chrono::steady_clock::time_point token_good_until{};
    std::shared_ptr<Refresh> refresh;                 ///< under way
    std::optional<std::chrono::seconds> clock_ahead;  ///< of Run:ai's clock before ours, by its last token

    std::uint32_t permits;
    boost::asio::steady_timer permit_given;  ///< cancelled, that is fired, when one comes free
    std::list<boost::asio::steady_timer> sleeping;
    std::minstd_rand random;

    std::optional<Version> version;  ///< of the cluster; nothing: not looked up, or it does not say
    bool warned = false;             ///< about the version

    /// Ends every wait with Code::cancelled.
    void stop();
};

// The callers' frames own the Caller, so that it outlives a Client that goes away meanwhile.

/// One try, and after a 401 a second one with a new token.
boost::asio::awaitable<Attempt> attempt(std::shared_ptr<Caller> caller, Call call);

/// Tries until answered, failed or out of tries. For calls that may be done twice.
boost::asio::awaitable<Result<Reply>> perform(std::shared_ptr<Caller> caller, Call call);

/// Waits before the next try, as `last` and the number of tries done ask for. False: no tries left, or too
/// long a Retry-After, or stopped; then `last.error` is what to report.
boost::asio::awaitable<bool> wait_for_next_try(std::shared_ptr<Caller> caller, std::string name,
                                               unsigned tries_done, std::shared_ptr<Attempt> last);

/// Waits as before another look at something that takes its time. False: stopped.
boost::asio::awaitable<bool> pause(std::shared_ptr<Caller> caller, unsigned looks);

/// The reply as an error: what Run:ai said, with a remedy that fits the status.
Error refusal(const Call& call, const Reply& reply);

}  // namespace stowage::runai
