// Client of the Run:ai control plane: clusters, one department, and the way to everything else.
// Runs in: controller. Distrusts: every byte of every reply.
#include "provisioning/runai/client.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/document.hpp"
#include "provisioning/runai/nfs_calls.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;

namespace stowage::runai {
namespace {

constexpr std::string_view page_size = "100";
constexpr int max_pages = 1000;
constexpr std::size_t max_names_shown = 10;

Call list_clusters() {
    Call call;
    call.path = "/api/v1/clusters";
    return call;
}

Call list_departments(std::string_view cluster_uuid, std::string_view name, std::int64_t offset) {
    Call call;
    call.path = "/api/v1/org-unit/departments";
    const auto filter = fmt::format("name=={},clusterId=={}", name, cluster_uuid);
    call.query = target("", {{"filterBy", filter}, {"limit", page_size}, {"offset", std::to_string(offset)}});
    return call;
}

/// "a", "b" and 3 more
std::string listed(const std::vector<std::string>& names) {
    if (names.empty()) return "none";
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < max_names_shown; ++i)
        out += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", log::escaped(names[i].substr(0, 100)));
    if (names.size() > max_names_shown) out += fmt::format(" and {} more", names.size() - max_names_shown);
    return out;
}

asio::awaitable<Result<Cluster>> find_cluster(std::shared_ptr<Caller> caller) {
    const auto call = list_clusters();
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    CO_TRY(const auto clusters, clusters_in(call.name(), reply.json));
    const auto& wanted = caller->settings.cluster;
    std::vector<std::string> names;
    std::vector<Cluster> hits;
    for (const auto& cluster : clusters) {
        names.push_back(cluster.name);
        if (cluster.name == wanted) hits.push_back(cluster);
    }
    if (hits.size() > 1)
        co_return Error{Code::config,
                        fmt::format("Run:ai has {} clusters named \"{}\"", hits.size(), log::escaped(wanted)),
                        "remove those that are gone, or rename one, in Run:ai"};
    if (hits.empty())
        co_return Error{
            Code::not_found,
            fmt::format("Run:ai has no cluster \"{}\"; it has: {}", log::escaped(wanted), listed(names)),
            "set runai.cluster to one of these names"};
    if (!is_uuid(hits[0].uuid))
        co_return Error{Code::protocol,
                        fmt::format("{}: \"{}\" is no UUID", call.name(), log::escaped(hits[0].uuid))};
    caller->version = parse_version(hits[0].version);
    if (const auto warning = warning_about(hits[0].version); !warning.empty() && !caller->warned) {
        log::warning("runai_version", {{"what", warning}});
        caller->warned = true;
    }
    co_return std::move(hits[0]);
}

/// Every department that the filter lets through, page after page.
asio::awaitable<Result<std::vector<DepartmentInCluster>>> all_departments(std::shared_ptr<Caller> caller,
                                                                          std::string cluster_uuid,
                                                                          std::string name) {
    std::vector<DepartmentInCluster> all;
    std::int64_t offset = 0;
    for (int pages = 0; pages < max_pages; ++pages) {
        const auto call = list_departments(cluster_uuid, name, offset);
        CO_TRY(const auto reply, co_await perform(caller, call));
        if (reply.status >= 400) co_return refusal(call, reply);
        CO_TRY(auto page, departments_in(call.name(), reply.json));
        for (auto& one : page.departments)
            all.push_back(std::move(one));
        if (all.size() > max_elements)
            co_return Error{
                Code::protocol,
                fmt::format("{}: more than {} departments for one name", call.name(), max_elements),
                "is runai.url the Run:ai control plane itself?"};
        if (!page.next) co_return all;
        if (*page.next <= offset)
            co_return Error{Code::protocol,
                            fmt::format("{}: after offset {} the reply names {} as the next one", call.name(),
                                        offset, *page.next)};
        offset = *page.next;
    }
    co_return Error{Code::protocol,
                    fmt::format("GET /api/v1/org-unit/departments: more than {} pages", max_pages)};
}

asio::awaitable<Result<Department>> find_department(std::shared_ptr<Caller> caller, std::string cluster_uuid,
                                                    std::string name) {
    if (!is_uuid(cluster_uuid))
        co_return Error{Code::invalid, fmt::format("cluster \"{}\" is no UUID", log::escaped(cluster_uuid))};
    if (name.empty() || name.size() > 253 || name.find_first_of(",=!<>@^$ ") != name.npos)
        co_return Error{Code::invalid,
                        fmt::format("department \"{}\" is no name that can be asked for", log::escaped(name)),
                        "use letters, digits and hyphens"};
    CO_TRY(const auto all, co_await all_departments(caller, cluster_uuid, name));
    std::vector<Department> hits;
    std::vector<std::string> seen;
    for (const auto& one : all) {
        seen.push_back(one.department.name +
                       (one.cluster_uuid == cluster_uuid ? "" : " (in another cluster)"));
        // How the server combines the conditions, and whether == is exact, is nowhere promised.
        if (one.department.name == name && one.cluster_uuid == cluster_uuid) hits.push_back(one.department);
    }
    if (hits.size() == 1) co_return std::move(hits[0]);
    if (hits.empty())
        co_return Error{
            Code::not_found,
            fmt::format("Run:ai has no department \"{}\" in cluster \"{}\"; the search found: {}",
                        log::escaped(name), log::escaped(caller->settings.cluster), listed(seen)),
            "create the department in Run:ai under the lab's name, and see that the application may see it"};
    co_return Error{Code::differs,
                    fmt::format("Run:ai has {} departments \"{}\" in cluster \"{}\", of ids {} and {}",
                                hits.size(), log::escaped(name), log::escaped(caller->settings.cluster),
                                log::escaped(hits[0].id), log::escaped(hits[1].id)),
                    "remove or rename all but one in Run:ai"};
}

Result<void> check_settings(const Settings& settings) {
    if (settings.cluster.empty())
        return Error{Code::config, "runai.cluster is empty", "set it to the cluster's name in Run:ai"};
    if (settings.client_id.empty() || settings.client_secret.empty())
        return Error{Code::config, "runai.client_id or its secret is empty",
                     "create an application in Run:ai; set runai.client_id and runai.client_secret_file"};
    if (settings.circuit.failures == 0 || settings.max_parallel == 0 || settings.retries.max_tries == 0 ||
        settings.request_timeout.count() <= 0)
        return Error{Code::config,
                     "runai.max_parallel, its tries and runai.request_timeout must be above zero"};
    return {};
}

}  // namespace

Result<Client> Client::make(asio::any_io_executor executor, Settings settings) {
    CHECK(check_settings(settings));
    TRY(auto base, parse_base_url(settings.url));
    TRY(auto connections,
        Connections::make(executor, base, settings.ca_bundle, settings.insecure_skip_verify));
    if (settings.insecure_skip_verify && base.tls)
        log::warning("runai_insecure", {{"url", settings.url},
                                        {"what",
                                         "runai.insecure_skip_verify is on: whoever answers at this address "
                                         "gets the client secret"}});
    return Client(std::make_shared<Caller>(std::move(executor), std::move(settings), std::move(connections)));
}

Client::Client(std::shared_ptr<Caller> caller) : caller_(std::move(caller)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&& other) noexcept {
    if (this != &other && caller_) caller_->stop();
    caller_ = std::move(other.caller_);
    return *this;
}
Client::~Client() {
    if (caller_) caller_->stop();
}

asio::awaitable<Result<Cluster>> Client::cluster() {
    return find_cluster(caller_);
}

asio::awaitable<Result<Department>> Client::department(std::string cluster_uuid, std::string name) {
    return find_department(caller_, std::move(cluster_uuid), std::move(name));
}

asio::awaitable<Result<std::string>> Client::project_id(std::string cluster_uuid, std::string department_id,
                                                        std::string name) {
    return find_project_id(caller_, std::move(cluster_uuid), std::move(department_id), std::move(name));
}

asio::awaitable<Result<std::optional<ObservedDataSource>>> Client::find_nfs_data_source(
    NfsDataSource wanted) {
    return find_nfs(caller_, std::move(wanted));
}

asio::awaitable<Result<std::optional<ObservedDataSource>>> Client::find_nfs_data_source(
    std::string department_id, std::string name) {
    NfsDataSource wanted;
    wanted.name = std::move(name);
    wanted.department_id = std::move(department_id);
    return find_nfs(caller_, std::move(wanted));
}

asio::awaitable<Result<Created>> Client::create_nfs_data_source(NfsDataSource wanted) {
    return create_nfs(caller_, std::move(wanted));
}

asio::awaitable<Result<ObservedDataSource>> Client::update_nfs_data_source(std::string id,
                                                                           NfsDataSource wanted) {
    return update_nfs(caller_, std::move(id), std::move(wanted));
}

asio::awaitable<Result<void>> Client::delete_nfs_data_source(std::string id) {
    return delete_nfs(caller_, std::move(id));
}

asio::awaitable<Result<std::vector<DataSourceUser>>> Client::data_source_users(std::string id) {
    return nfs_users(caller_, std::move(id));
}

asio::awaitable<Result<std::vector<ObservedDataSource>>> Client::nfs_data_sources() {
    return list_nfs(caller_);
}

asio::awaitable<Result<std::vector<ObservedNodePool>>> Client::node_pools(std::string cluster_uuid) {
    return list_node_pools(caller_, std::move(cluster_uuid));
}

asio::awaitable<Result<Made<ObservedNodePool>>> Client::create_node_pool(std::string cluster_uuid,
                                                                         NodePool wanted) {
    return runai::create_node_pool(caller_, std::move(cluster_uuid), std::move(wanted));
}

asio::awaitable<Result<std::vector<ObservedOrgUnit>>> Client::org_units(UnitKind kind,
                                                                        std::string cluster_uuid) {
    return list_org_units(caller_, kind, std::move(cluster_uuid));
}

asio::awaitable<Result<Made<ObservedOrgUnit>>> Client::create_org_unit(UnitKind kind, OrgUnit wanted) {
    return runai::create_org_unit(caller_, kind, std::move(wanted));
}

asio::awaitable<Result<ObservedOrgUnit>> Client::update_org_unit(UnitKind kind, std::string id,
                                                                 OrgUnit wanted) {
    return runai::update_org_unit(caller_, kind, std::move(id), std::move(wanted));
}

asio::awaitable<Result<ObservedOrgUnit>> Client::ready_project(std::string id) {
    return wait_until_ready(caller_, std::move(id));
}

asio::awaitable<Result<std::vector<Role>>> Client::roles() {
    return list_roles(caller_);
}

asio::awaitable<Result<std::vector<ObservedAccessRule>>> Client::access_rules() {
    return list_access_rules(caller_);
}

asio::awaitable<Result<Made<ObservedAccessRule>>> Client::create_access_rule(AccessRule wanted) {
    return runai::create_access_rule(caller_, std::move(wanted));
}

asio::awaitable<Result<void>> Client::delete_access_rule(std::int64_t id) {
    return runai::delete_access_rule(caller_, id);
}

asio::awaitable<Result<std::vector<User>>> Client::users() {
    return list_users(caller_);
}

asio::awaitable<Result<Made<NewUser>>> Client::create_user(std::string email) {
    return runai::create_user(caller_, std::move(email));
}

asio::awaitable<Result<void>> Client::delete_user(std::string id) {
    return runai::delete_user(caller_, std::move(id));
}

asio::awaitable<Result<std::vector<ObservedComputeResource>>> Client::compute_resources() {
    return list_compute_resources(caller_);
}

asio::awaitable<Result<Made<ObservedComputeResource>>> Client::create_compute_resource(
    ComputeResource wanted) {
    return runai::create_compute_resource(caller_, std::move(wanted));
}

asio::awaitable<Result<ObservedComputeResource>> Client::update_compute_resource(std::string id,
                                                                                 ComputeResource wanted) {
    return runai::update_compute_resource(caller_, std::move(id), std::move(wanted));
}

asio::awaitable<Result<void>> Client::delete_compute_resource(std::string id) {
    return runai::delete_compute_resource(caller_, std::move(id));
}

std::optional<std::chrono::seconds> Client::clock_ahead() const {
    return caller_->clock_ahead;
}

asio::awaitable<Result<bool>> Client::departments_are_on() {
    return runai::departments_are_on(caller_);
}

}  // namespace stowage::runai
