// Look-ups and changes in Run:ai, and what they say about its health.
// Runs in: controller.
#include "gateway/controller/reconcile/registry.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/controller/reconcile/gate.hpp"
#include "gateway/controller/reconcile/reasons.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/state/state.hpp"
#include "provisioning/runai/settings_check.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

// The reconciler comes again by itself, so one run need not wait as long as the client by itself would.
constexpr unsigned max_tries = 3;

Result<runai::Settings> settings_from(const Config& config, Secret client_secret) {
    const auto& from = config.runai;
    // Preflight has told them all.
    if (const auto problems = runai::problems_in(config); !problems.empty()) return problems.front().error;
    if (client_secret.empty())
        return Error{Code::config,
                     "runai.url is set, and the file of runai.client_secret_file is missing or empty",
                     "put the application's secret into it, readable by root alone"};
    runai::Settings settings;
    settings.url = from.url;
    settings.cluster = from.cluster;
    settings.client_id = from.client_id;
    settings.client_secret = std::move(client_secret);
    settings.ca_bundle = from.ca_bundle;
    settings.insecure_skip_verify = from.insecure_skip_verify;
    settings.request_timeout = from.request_timeout;
    settings.max_parallel = from.max_parallel;
    settings.retries.max_tries = max_tries;
    return settings;
}

/// Where a look-up with a limit leaves its answer.
struct LookUp {
    explicit LookUp(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    std::optional<ObservedRegistration> answer = {};
};

asio::awaitable<void> observe_into(Registry& registry, Lab lab, std::shared_ptr<LookUp> look_up) {
    look_up->answer = co_await registry.observe(std::move(lab));
    look_up->timer.cancel();
}

}  // namespace

Registry::Registry(asio::any_io_executor executor, std::optional<runai::Client> client)
    : executor_(std::move(executor)), client_(std::move(client)) {
    status_.state = client_ ? "unknown" : "off";
    status_.since = now_seconds();
}

Result<std::unique_ptr<Registry>> Registry::make(asio::any_io_executor executor, const Config& config,
                                                 Secret client_secret) {
    std::optional<runai::Client> client;
    if (!config.runai.url.empty()) {
        TRY(auto settings, settings_from(config, std::move(client_secret)));
        TRY(client, runai::Client::make(executor, std::move(settings)));
    }
    return std::make_unique<Registry>(std::move(executor), std::move(client));
}

void Registry::note(std::optional<Error> error) {
    const std::string state = !error ? "ok" : is_transient(error->code) ? "unreachable" : "refused";
    // What was not sent tells nothing new.
    const bool sent = !error || error->what.find(runai_not_sent) == error->what.npos;
    if (sent || status_.state != state) {
        status_.code = error ? to_string(error->code) : "";
        status_.why = error ? error->text() : "";
    }
    if (state == status_.state) return;
    status_.state = state;
    status_.since = now_seconds();
}

template <typename T>
void Registry::note(const Result<T>& result) {
    // One lab's missing department, or a data source in use, says nothing about Run:ai.
    const bool about_lab = result.has_error() &&
                           (result.error().code == Code::not_found || result.error().code == Code::in_use ||
                            result.error().code == Code::differs || result.error().code == Code::exists);
    note(result || about_lab ? std::nullopt : std::optional(result.error()));
}

struct Registry::SharedLook {
    SharedLook(const asio::any_io_executor& executor, bool projects)
        : with_projects(projects), done(executor) {}
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    bool with_projects;
    Gate done;
    std::optional<Result<SeenRegistrations>> seen = {};  ///< once it is done

    bool has_failed() const { return seen && !*seen; }
};

asio::awaitable<Result<void>> Registry::find_cluster() {
    if (!cluster_uuid_.empty()) co_return Result<void>();
    CO_TRY(auto cluster, co_await client_->cluster());
    cluster_uuid_ = cluster.uuid;
    co_return Result<void>();
}

asio::awaitable<Result<SeenRegistrations>> Registry::read_lists(bool projects_too) {
    SeenRegistrations seen;
    CO_CHECK(co_await find_cluster());
    CO_TRY(seen.departments, co_await client_->org_units(runai::UnitKind::department, cluster_uuid_));
    if (projects_too) {
        CO_TRY(seen.projects, co_await client_->org_units(runai::UnitKind::project, cluster_uuid_));
    }
    CO_TRY(seen.data_sources, co_await client_->nfs_data_sources());
    co_return seen;
}

asio::awaitable<void> Registry::read_into(Registry& registry, std::shared_ptr<SharedLook> look) {
    look->seen = co_await registry.read_lists(look->with_projects);
    registry.note(*look->seen);
    look->done.open();
}

asio::awaitable<ObservedRegistration> Registry::observe_shared(
    Lab lab, std::chrono::steady_clock::time_point not_before) {
    if (!client_) co_return ObservedRegistration(NoRunai{});
    const bool of_project = !lab.settings.data_source_project.empty();
    const bool will_do = shared_ && shared_->begun >= not_before && !shared_->has_failed() &&
                         (shared_->with_projects || !of_project);
    if (!will_do) {
        shared_ = std::make_shared<SharedLook>(executor_, of_project);
        asio::co_spawn(executor_, read_into(*this, shared_), rethrow);
    }
    const auto look = shared_;
    co_await look->done.wait();
    if (look->has_failed()) co_return ObservedRegistration(UnknownRegistration{look->seen->error()});
    auto known = registration_in(**look->seen, lab);
    if (!known) co_return ObservedRegistration(UnknownRegistration{known.error()});
    if (auto there = check_scope(lab, known->scope); !there)
        co_return ObservedRegistration(UnknownRegistration{there.error()});
    co_return ObservedRegistration(std::move(*known));
}

asio::awaitable<Result<std::string>> Registry::department_id(std::string lab) {
    CO_CHECK(co_await find_cluster());
    auto department = co_await client_->department(cluster_uuid_, lab);
    if (department) co_return department->id;
    auto error = department.error();
    if (error.code == Code::not_found) {
        cluster_uuid_.clear();  // the cluster itself may have been made anew
        if (error.remedy.empty()) error.remedy = "make a department named " + lab + " in Run:ai";
    }
    co_return error;
}

asio::awaitable<Result<KnownRegistration>> Registry::look_up(Lab lab) {
    DataSourceScope scope;
    CO_TRY(scope.department_id, co_await department_id(lab.name));
    const auto& project = lab.settings.data_source_project;
    if (!project.empty()) {
        CO_TRY(scope.project_id, co_await client_->project_id(cluster_uuid_, scope.department_id, project));
    }
    runai::NfsDataSource wanted;
    wanted.name = lab.name + "-nfs";
    wanted.department_id = scope.department_id;
    wanted.project_id = scope.project_id;
    CO_TRY(auto found, co_await client_->find_nfs_data_source(wanted));
    co_return KnownRegistration{std::move(scope), std::move(found)};
}

asio::awaitable<ObservedRegistration> Registry::observe(Lab lab) {
    if (!client_) co_return ObservedRegistration(NoRunai{});
    auto known = co_await look_up(std::move(lab));
    note(known);
    if (!known) co_return ObservedRegistration(UnknownRegistration{known.error()});
    co_return ObservedRegistration(std::move(*known));
}

asio::awaitable<ObservedRegistration> Registry::observe_within(Lab lab, std::chrono::seconds limit) {
    const auto look_up = std::make_shared<LookUp>(executor_);
    look_up->timer.expires_after(limit);
    asio::co_spawn(executor_, observe_into(*this, std::move(lab), look_up), rethrow);
    boost::system::error_code ignored;
    if (!look_up->answer)
        co_await look_up->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (look_up->answer) co_return std::move(*look_up->answer);
    Error late{Code::timeout, "Run:ai has not answered in " + std::to_string(limit.count()) + " seconds",
               "see `stowage status`"};
    co_return ObservedRegistration(UnknownRegistration{std::move(late)});
}

asio::awaitable<Result<OwnedDataSource>> Registry::read_back(runai::NfsDataSource wanted, bool made) {
    auto found = co_await client_->find_nfs_data_source(wanted);
    note(found);
    if (!found) co_return found.error();
    if (!*found)
        co_return Error{Code::protocol, "Run:ai took data source " + wanted.name + ", and does not list it",
                        "look at the data sources of its department in Run:ai"};
    const auto differing = runai::differences(wanted, (*found)->value);
    if (!differing.empty())
        co_return Error{Code::protocol,
                        "Run:ai stored something else than was sent: " + runai::to_string(differing),
                        "look at the data source in Run:ai"};
    co_return OwnedDataSource{(*found)->id, made, std::move(wanted)};
}

asio::awaitable<Result<OwnedDataSource>> Registry::create(runai::NfsDataSource wanted) {
    auto created = co_await client_->create_nfs_data_source(wanted);
    note(created);
    if (!created) co_return created.error();
    // It was there before, and no request of ours can have made it.
    const bool made = !created->was_there || created->after_lost_answer;
    auto owned = co_await read_back(std::move(wanted), made);
    if (owned || owned.error().code == Code::protocol) co_return owned;
    // Whether it was made by us is known, whatever became of the look at it.
    auto error = owned.error();
    if (made) error.code = Code::timeout;
    if (!made && error.code == Code::timeout) error.code = Code::unavailable;
    co_return error;
}

asio::awaitable<Result<OwnedDataSource>> Registry::update(std::string id, runai::NfsDataSource wanted) {
    auto updated = co_await client_->update_nfs_data_source(std::move(id), wanted);
    note(updated);
    if (!updated) co_return updated.error();
    co_return co_await read_back(std::move(wanted), true);
}

asio::awaitable<Result<void>> Registry::remove(std::string id) {
    auto removed = co_await client_->delete_nfs_data_source(std::move(id));
    note(removed);
    co_return removed;
}

asio::awaitable<Result<void>> Registry::check_unused(std::string id) {
    auto users = co_await client_->data_source_users(std::move(id));
    note(users);
    if (!users) {
        if (users.error().code == Code::not_found) co_return Result<void>();
        co_return users.error();
    }
    if (users->empty()) co_return Result<void>();
    co_return Error{Code::in_use, "the data source is in use by " + runai::to_string(*users),
                    "end or change these first, then delete the lab"};
}

}  // namespace stowage::controller
