// Client of the Run:ai control plane: how it is made, and the way to each kind of object.
// Runs in: controller.
#include "provisioning/runai/client.hpp"

#include "gateway/base/log.hpp"
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/nfs_calls.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;

namespace stowage::runai {
namespace {

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
