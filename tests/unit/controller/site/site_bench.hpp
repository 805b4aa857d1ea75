// A site, a stand-in for Run:ai and a state, all in one event loop and in memory.
// Runs in: unit tests.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/registry.hpp"
#include "gateway/controller/reconcile/supervisor_link.hpp"
#include "gateway/controller/site/site_runner.hpp"
#include "tests/support/runai_stand_in/api.hpp"
#include "tests/support/runai_stand_in/server.hpp"

namespace stowage::controller {

/// In memory where there is such a place: thousands of durable writes are not what these tests are about.
class MemoryDirectory {
  public:
    MemoryDirectory();
    MemoryDirectory(const MemoryDirectory&) = delete;
    MemoryDirectory& operator=(const MemoryDirectory&) = delete;
    ~MemoryDirectory();
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Node pools prod and dev, `labs` labs with a project each, `users` users over them, gpu0 to gpu8.
WantedSite small_site(int labs, int users);

class SiteBench {
  public:
    explicit SiteBench(const std::string& version = "2.20.29");
    ~SiteBench();

    /// A new client and a new look at the state each time, as after a restart. Labs follow with their data
    /// sources, whatever became of the rest.
    Result<SiteOutcome> apply(const WantedSite& site, bool adopt = false);
    Result<SiteOutcome> prune(const WantedSite& site, std::set<std::string> confirmed);
    /// What the watch does from time to time.
    void look(std::chrono::seconds from_now);
    /// With all that the controller's parts share, and `labs` in the state.
    void in_context(std::function<boost::asio::awaitable<void>(Context&)> work);
    /// What was about to be made was so an hour ago.
    void age_intents();
    /// What apply would do.
    std::vector<SiteItem> plan(const WantedSite& site, bool adopt = false);

    void fail(const std::string& operation, stand_in::FaultKind kind, unsigned skip = 0, unsigned count = 1);
    stand_in::Api& api() { return server_->api(); }
    State& state() { return *state_; }
    SealedSecrets& secrets() { return secrets_; }
    /// What is stored in Run:ai, without ids and times.
    std::string digest();
    /// Every user of Run:ai has a sealed secret that is the password it really has.
    std::string lost_passwords();
    std::size_t calls();

    unsigned max_tries = 1;
    std::chrono::seconds later{0};  ///< applies look at Run:ai so much later than now
    std::chrono::milliseconds request_timeout{20000};
    std::string client_secret = "secret";
    std::vector<std::string> labs = {};       ///< those that have a data source
    std::string container_path = "/mnt/nfs";  ///< of these

  private:
    template <typename T>
    T wait(boost::asio::awaitable<T> work);
    runai::Client connect();
    Config config() const;
    void remember_labs();
    boost::asio::awaitable<std::vector<SiteOutcome::Failure>> register_labs(Context& context);
    SiteTools tools(runai::Client& client);

    MemoryDirectory directory_;
    boost::asio::io_context context_{1};
    std::unique_ptr<stand_in::Server> server_;
    std::optional<State> state_;
    SupervisorLink supervisor_;  // nobody answers: data sources need no supervisor
    SealedSecrets secrets_;
};

}  // namespace stowage::controller
