// A site, a stand-in for Run:ai and a state, all in one event loop and in memory.
// Runs in: unit tests.
#include "tests/unit/controller/site/site_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/reconcile/step_runner.hpp"
#include "gateway/controller/site/observe.hpp"
#include "gateway/controller/state/sqlite.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

MemoryDirectory::MemoryDirectory() {
    std::error_code error;
    const bool shm = std::filesystem::is_directory("/dev/shm", error);
    std::string name = shm ? "/dev/shm/stowage-site-XXXXXX" : "/tmp/stowage-site-XXXXXX";
    path_ = ::mkdtemp(name.data());
}

MemoryDirectory::~MemoryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

WantedSite small_site(int labs, int users) {
    WantedSite site;
    site.node_pools = {{"prod", "example.org/pool", "prod", "binpack"},
                       {"dev", "example.org/pool", "dev", "binpack"}};
    for (int i = 1; i <= labs; ++i) {
        WantedUnit unit{fmt::format("lab{}", i), {{"prod", 10.0 * i}}, false, {"prod"}};
        auto project = unit;
        project.name = fmt::format("lab{}-default-project", i);
        site.departments.push_back({unit, {project}});
    }
    for (int i = 1; i <= users; ++i) {
        const auto lab = fmt::format("lab{}", (i - 1) % labs + 1);
        site.members.push_back({fmt::format("user{}@example.org", i),
                                lab,
                                lab + "-default-project",
                                {"L2 researcher", "Environment administrator", "Template administrator"}});
    }
    for (int gpus = 0; gpus <= 8; ++gpus)
        site.compute_resources.push_back({fmt::format("gpu{}", gpus), gpus, {}, {}, false});
    return site;
}

namespace {

ipc::Channel lonely_channel(asio::io_context& context) {
    auto pair = or_throw(ipc::make_pair());
    return ipc::Channel(context.get_executor(), std::move(pair.first));
}

}  // namespace

SiteBench::SiteBench(const std::string& version)
    : supervisor_(context_.get_executor(), lonely_channel(context_)), secrets_(directory_.path()) {
    stand_in::Options options;
    options.version = version;
    options.client_secret = Secret(client_secret);
    server_ = or_throw(stand_in::Server::start(context_.get_executor(), std::move(options)));
    state_.emplace(or_throw(State::open(directory_.path())));
}

SiteBench::~SiteBench() {
    server_.reset();
    context_.restart();
    context_.run_for(std::chrono::seconds(1));
}

runai::Client SiteBench::connect() {
    runai::Settings settings;
    settings.url = server_->url();
    settings.cluster = "runai-cluster";
    settings.client_id = "stowage";
    settings.client_secret = Secret(client_secret);
    settings.request_timeout = request_timeout;
    settings.retries.max_tries = max_tries;
    settings.retries.first_wait = std::chrono::milliseconds(1);
    settings.retries.max_wait = std::chrono::milliseconds(2);
    return or_throw(runai::Client::make(context_.get_executor(), std::move(settings)));
}

SiteTools SiteBench::tools(runai::Client& client) {
    SiteTools tools{context_.get_executor(), client, *state_, secrets_};
    tools.parallel = 1;
    tools.now = [this] { return now_seconds() + later.count(); };
    return tools;
}

template <typename T>
T SiteBench::wait(asio::awaitable<T> work) {
    auto future = asio::co_spawn(context_, std::move(work), asio::use_future);
    // For what hangs, not for what is slow: a busy machine with sanitizers takes a hundred times as long.
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(500);
    context_.restart();
    while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("not done in time");
        context_.run_one_for(std::chrono::milliseconds(100));
    }
    return future.get();
}

Result<SiteOutcome> SiteBench::apply(const WantedSite& site, bool adopt) {
    Registry registry(context_.get_executor(), connect());
    SiteRunner runner(tools(*registry.client()), site);
    auto outcome = wait(runner.apply(adopt));
    remember_labs();
    const auto settings = config();
    Context context(context_.get_executor(), settings, *state_, supervisor_, registry);
    auto failures = wait(register_labs(context));
    if (outcome) std::move(failures.begin(), failures.end(), std::back_inserter(outcome->failures));
    return outcome;
}

void SiteBench::in_context(std::function<asio::awaitable<void>(Context&)> work) {
    Registry registry(context_.get_executor(), connect());
    remember_labs();
    const auto settings = config();
    Context context(context_.get_executor(), settings, *state_, supervisor_, registry);
    wait(work(context));
}

void SiteBench::age_intents() {
    auto database = or_throw(sqlite::Database::open(directory_.path() + "/stowage.db"));
    or_throw(database.execute("UPDATE runai_objects SET since = since - 3600 WHERE remote_id = ''"));
}

Config SiteBench::config() const {
    Config config;
    config.state_dir = directory_.path();
    config.labs.root = "/mnt/nfs";
    config.nfs.address = "nas.example.org";
    config.runai.container_path = container_path;
    return config;
}

void SiteBench::remember_labs() {
    std::vector<NamedSettings> settings;
    for (const auto& lab : labs)
        settings.push_back({lab, {}});
    if (!settings.empty()) or_throw(state_->put_labs(settings, {30000, 30999}));
}

asio::awaitable<std::vector<SiteOutcome::Failure>> SiteBench::register_labs(Context& context) {
    std::vector<SiteOutcome::Failure> failures;
    SharedSince since;
    if (labs.size() > few_labs) since = std::chrono::steady_clock::now();
    for (const auto& name : labs) {
        const auto lab = *state_->lab(name);
        StepRunner runner(context, lab, [](const StepReport&) {});
        auto steps = co_await look_at_registration(context, lab, since);
        co_await runner.run(std::move(steps));
        for (const auto& failure : runner.failures())
            failures.push_back({{ObjectKind::department, name}, failure.error});
    }
    co_return failures;
}

Result<SiteOutcome> SiteBench::prune(const WantedSite& site, std::set<std::string> confirmed) {
    auto client = connect();
    SiteRunner runner(tools(client), site);
    return wait(runner.prune(std::move(confirmed)));
}

void SiteBench::look(std::chrono::seconds from_now) {
    auto client = connect();
    const auto looked_at = now_seconds() + from_now.count();
    const auto observed = or_throw(wait(observe_site(client)));
    or_throw(settle_intents(*state_, observed, looked_at));
}

std::vector<SiteItem> SiteBench::plan(const WantedSite& site, bool adopt) {
    auto client = connect();
    const auto observed = or_throw(wait(observe_site(client)));
    return plan_site_objects(site, observed, state_->objects(), adopt);
}

void SiteBench::fail(const std::string& operation, stand_in::FaultKind kind, unsigned skip, unsigned count) {
    stand_in::Fault fault{operation, kind, count, 503, 0, skip};
    api().faults().add(std::move(fault));
}

std::size_t SiteBench::calls() {
    return api().logged();
}

namespace {

/// Ids depend on the order in which things were made: the name of a data source's department tells.
std::string unit_of(stand_in::Store& store, const json::object& meta) {
    for (const auto& one : store.all("departments"))
        if (stand_in::words_of(one.as_object(), "id") == stand_in::words_of(meta, "departmentId"))
            return stand_in::words_of(one.as_object(), "name");
    return "nobody";
}

}  // namespace

std::string SiteBench::digest() {
    auto& store = api().store();
    std::vector<std::string> lines;
    const auto add = [&](std::string_view kind, const json::object& object,
                         std::initializer_list<const char*> keys) {
        std::string line(kind);
        for (const char* key : keys)
            line += ' ' + stand_in::words_of(object, key);
        lines.push_back(std::move(line));
    };
    for (const auto& one : store.all("node_pools"))
        add("pool", one.as_object(), {"name", "labelKey", "labelValue", "placementStrategy"});
    for (const char* kind : {"departments", "projects"})
        for (const auto& one : store.all(kind)) {
            // Ids of pools depend on the order in which they were made: names tell.
            std::string line = fmt::format("{} {} {}", kind, stand_in::words_of(one.as_object(), "name"),
                                           stand_in::words_of(one.as_object(), "parentName"));
            std::vector<std::string> quotas;
            for (const auto& resource : one.at("resources").as_array())
                quotas.push_back(fmt::format("{}={}/{}", json::serialize(resource.at("nodePool").at("name")),
                                             resource.at("gpu").at("deserved").to_number<double>(),
                                             resource.at("gpu").at("limit").to_number<double>()));
            std::sort(quotas.begin(), quotas.end());
            for (const auto& quota : quotas)
                line += ' ' + quota;
            line += stand_in::words_of(one.as_object(), "defaultNodePools");
            lines.push_back(std::move(line));
        }
    for (const auto& one : store.all("users"))
        add("user", one.as_object(), {"username"});
    for (const auto& one : store.all("access_rules"))
        add("rule", one.as_object(), {"subjectId", "roleName", "scopeName"});
    for (const auto& one : store.all("compute"))
        lines.push_back("compute " + json::serialize(one.at("meta").at("name")) +
                        json::serialize(one.at("spec")));
    for (const auto& one : store.all("nfs"))
        lines.push_back(fmt::format("nfs {} of {} {}", json::serialize(one.at("meta").at("name")),
                                    unit_of(store, one.at("meta").as_object()),
                                    json::serialize(one.at("spec"))));
    std::sort(lines.begin(), lines.end());
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string SiteBench::lost_passwords() {
    std::string lost;
    const auto sealed = secrets_.all();
    for (const auto& one : api().store().all("users")) {
        const auto email = stand_in::words_of(one.as_object(), "username");
        const auto password = stand_in::words_of(one.as_object(), "tempPassword");
        const bool kept = std::any_of(sealed.begin(), sealed.end(), [&](const SealedSecret& secret) {
            return secret.email == email && secret.password.reveal() == password;
        });
        if (!kept) lost += email + ' ';
    }
    return lost;
}

}  // namespace stowage::controller
