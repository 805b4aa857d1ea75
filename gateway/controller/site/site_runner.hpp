// Applying a site: items in the order in which they need each other, each journaled, each failure stopping
// only what needs it. Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/controller/plan/site.hpp"
#include "gateway/controller/site/sealed_secrets.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

/// How one item goes on. Called as things happen; does not block.
enum class ItemState { start, done, failed, skipped };
using ItemReport = std::function<void(const SiteItem& item, ItemState state, std::int64_t ms,
                                      const std::optional<Error>& error)>;

struct SiteOutcome {
    unsigned done = 0, unchanged = 0;
    struct Failure {
        SiteItem item;
        Error error;
    };
    std::vector<Failure> failures;  ///< what was skipped for another's sake too
    std::vector<std::string> warnings;

    bool converged() const { return failures.empty(); }
};

/// What a runner works with; all of it outlives the runner.
struct SiteTools {
    boost::asio::any_io_executor executor;
    runai::Client& client;
    State& state;
    SealedSecrets& secrets;
    ItemReport report = [](const SiteItem&, ItemState, std::int64_t, const std::optional<Error>&) {};
    std::function<bool()> stopping = [] { return false; };
    std::function<std::int64_t()> now = now_seconds;  ///< as the state writes its times
    unsigned parallel = 4;                            ///< items of one kind at a time
};

/// One run. The database is read and written on the way; a lost one throws.
class SiteRunner {
  public:
    SiteRunner(SiteTools tools, WantedSite wanted) : tools_(std::move(tools)), wanted_(std::move(wanted)) {}

    /// Observes, plans, does. An error when Run:ai could not be read; then nothing was done.
    boost::asio::awaitable<Result<SiteOutcome>> apply(bool adopt);
    /// Deletes what plan_prune() names and `confirmed` (keys with kinds, as titles) holds.
    boost::asio::awaitable<Result<SiteOutcome>> prune(std::set<std::string> confirmed);

  private:
    struct Phase;
    boost::asio::awaitable<void> run_phase(ObjectKind kind, std::vector<SiteItem> items);
    boost::asio::awaitable<void> work(std::shared_ptr<Phase> phase);
    boost::asio::awaitable<void> run_one(SiteItem item);
    boost::asio::awaitable<Result<OwnedObject>> perform(SiteItem item);

    // site_steps.cpp
    boost::asio::awaitable<Result<std::string>> make_node_pool(SiteItem item);
    boost::asio::awaitable<Result<std::string>> settle_department(SiteItem item);
    boost::asio::awaitable<Result<std::string>> settle_project(SiteItem item);
    boost::asio::awaitable<Result<std::string>> settle_unit(SiteItem item, runai::UnitKind kind,
                                                            WantedUnit wanted, std::string parent_id);
    boost::asio::awaitable<Result<std::string>> settle_compute_resource(SiteItem item);
    boost::asio::awaitable<Result<std::string>> make_user(SiteItem item);
    boost::asio::awaitable<Result<runai::NewUser>> make_user_anew(SiteItem item, runai::User lost);
    boost::asio::awaitable<Result<std::string>> make_access_rule(SiteItem item);
    boost::asio::awaitable<Result<void>> remove(SiteItem item);
    /// After it is ours: a project is waited for.
    boost::asio::awaitable<Result<void>> follow_up(SiteItem item, std::string remote_id);

    /// People whose project is not said: the lab's own, or its only one.
    Result<void> choose_projects();
    std::optional<Error> blocked(const SiteItem& item) const;
    bool has_failed(ObjectKind kind, const std::string& key) const;
    void fail(const SiteItem& item, const Error& error, ItemState state, std::int64_t ms);
    const WantedMember& member_of(const SiteItem& item) const;
    bool is_somebody_elses(const runai::User& user) const;

    SiteTools tools_;
    WantedSite wanted_;
    ObservedSite observed_;
    std::map<std::string, std::string> department_ids_, project_ids_;  ///< by key
    std::map<std::string, const WantedMember*> members_;               ///< by their rules' keys
    std::set<std::pair<ObjectKind, std::string>> failed_;
    SiteOutcome outcome_;
};

/// True if an error says that what was to be made is certainly not there: of a creation, Code::unavailable
/// says that no request was done (see provisioning/runai/creation.hpp).
bool says_not_made(const Error& error);

}  // namespace stowage::controller
