// Client of the Run:ai control plane.
// Runs in: controller. Distrusts: every byte of every reply.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"
#include "provisioning/runai/access.hpp"
#include "provisioning/runai/compute_resource.hpp"
#include "provisioning/runai/data_source.hpp"
#include "provisioning/runai/node_pool.hpp"
#include "provisioning/runai/org_unit.hpp"

namespace stowage::runai {

/// How a call that failed for reasons that may pass is tried again.
struct Retries {
    unsigned max_tries = 5;  ///< of one request, the first one included
    std::chrono::milliseconds first_wait{250};
    std::chrono::milliseconds max_wait{10000};
    /// A Retry-After above this ends the call with Code::unavailable instead of waiting.
    std::chrono::seconds max_retry_after{60};
};

/// When calls are not even tried any more: after so many failures in a row, for so long. The first call after
/// that is let through alone; its success closes the circuit again.
struct Circuit {
    unsigned failures = 12;
    std::chrono::milliseconds open_for{15000};
};

/// What a creation came to.
template <typename T>
struct Made {
    T value;
    /// False: this call stored it. True: one of the name is there, and either it was before the call or an
    /// earlier try, whose answer got lost, stored it (`after_lost_answer`).
    bool was_there = false;
    bool after_lost_answer = false;
};

struct Settings {
    std::string url;      ///< "https://runai.local"; http:// only for a loopback address
    std::string cluster;  ///< the cluster's name in Run:ai
    std::string client_id;
    Secret client_secret;
    std::string ca_bundle;                             ///< PEM file; empty: the system's store
    bool insecure_skip_verify = false;                 ///< logged as a warning when the client is made
    std::chrono::milliseconds request_timeout{20000};  ///< of one try, connecting included
    std::uint32_t max_parallel = 4;                    ///< requests and connections at a time
    Retries retries = {};
    Circuit circuit = {};
};

struct Cluster {
    std::string uuid, name;
    std::string version;  ///< of the cluster's side; may be empty
    std::string state;    ///< "Connected", "Disconnected", …; may be empty
};

struct Department {
    std::string id;  ///< a string that holds a number
    std::string name;
};

struct Caller;  // what calls share; lives as long as any of them

/// What create_nfs_data_source() came to.
struct Created {
    ObservedDataSource source;
    /// False: this call stored it. True: one equal to what was asked is there, and either it was before the
    /// call or an earlier try, whose answer got lost, stored it (`after_lost_answer`).
    bool was_there = false;
    bool after_lost_answer = false;
};

/// One control plane. One thread; any number of calls at a time. Each call ends within
/// max_tries * (request_timeout + max_wait or max_retry_after) per request it needs, and what it waits for
/// others when more than max_parallel are under way. Calls under way outlive the Client and end with
/// Code::cancelled once it is destroyed. Errors of all calls: unavailable or timeout (no answer after all
/// tries), denied (credentials, permissions, certificate), protocol (a reply that breaks the contract),
/// invalid (a value, or Run:ai refused it), config.
class Client {
  public:
    /// Code::config for a URL, CA bundle or setting that cannot be used. Does no network I/O.
    static Result<Client> make(boost::asio::any_io_executor executor, Settings settings);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// The cluster of the configured name. Code::not_found with the names that there are; Code::config when
    /// several have it.
    boost::asio::awaitable<Result<Cluster>> cluster();

    /// The one department of this name in this cluster; Code::not_found otherwise, with what was seen.
    boost::asio::awaitable<Result<Department>> department(std::string cluster_uuid, std::string name);

    /// The id of the one project of this name in this department; Code::not_found.
    boost::asio::awaitable<Result<std::string>> project_id(std::string cluster_uuid,
                                                           std::string department_id, std::string name);

    /// The data source of exactly the name and scope (department or project) of `wanted`, or nothing. Those
    /// inherited from above do not count.
    boost::asio::awaitable<Result<std::optional<ObservedDataSource>>> find_nfs_data_source(
        NfsDataSource wanted);
    boost::asio::awaitable<Result<std::optional<ObservedDataSource>>> find_nfs_data_source(
        std::string department_id, std::string name);

    /// Stores it once, whatever happens in between: after an answer that got lost it is looked up before the
    /// request is repeated. Code::differs when another of this name is there (the text has the fields),
    /// Code::exists when the name is taken in another scope.
    boost::asio::awaitable<Result<Created>> create_nfs_data_source(NfsDataSource wanted);

    /// Replaces name, server, paths and read-only flag. The scope cannot be changed. Code::not_found.
    boost::asio::awaitable<Result<ObservedDataSource>> update_nfs_data_source(std::string id,
                                                                              NfsDataSource wanted);

    /// Asks for its users first: Code::in_use names them. One that is not there is success. Running workloads
    /// keep what they have mounted.
    boost::asio::awaitable<Result<void>> delete_nfs_data_source(std::string id);

    /// Who refers to it; Code::not_found.
    boost::asio::awaitable<Result<std::vector<DataSourceUser>>> data_source_users(std::string id);

    /// All of this cluster, whatever department they are in. Those inherited or of projects too.
    boost::asio::awaitable<Result<std::vector<ObservedDataSource>>> nfs_data_sources();

    // Each create is sent once more only after a look-up; what is there already is returned as it is. Its
    // errors say whether it may have been made: see creation.hpp.

    boost::asio::awaitable<Result<std::vector<ObservedNodePool>>> node_pools(std::string cluster_uuid);
    boost::asio::awaitable<Result<Made<ObservedNodePool>>> create_node_pool(std::string cluster_uuid,
                                                                            NodePool wanted);

    boost::asio::awaitable<Result<std::vector<ObservedOrgUnit>>> org_units(UnitKind kind,
                                                                           std::string cluster_uuid);
    boost::asio::awaitable<Result<Made<ObservedOrgUnit>>> create_org_unit(UnitKind kind, OrgUnit wanted);
    /// Quotas of the pools that `wanted` names, and the order; everything else stays. Reads, then replaces.
    boost::asio::awaitable<Result<ObservedOrgUnit>> update_org_unit(UnitKind kind, std::string id,
                                                                    OrgUnit wanted);
    /// Looks until it is Ready. Code::timeout with its phase.
    boost::asio::awaitable<Result<ObservedOrgUnit>> ready_project(std::string id);

    boost::asio::awaitable<Result<std::vector<Role>>> roles();
    /// Of users.
    boost::asio::awaitable<Result<std::vector<ObservedAccessRule>>> access_rules();
    boost::asio::awaitable<Result<Made<ObservedAccessRule>>> create_access_rule(AccessRule wanted);
    boost::asio::awaitable<Result<void>> delete_access_rule(std::int64_t id);

    boost::asio::awaitable<Result<std::vector<User>>> users();
    /// The password comes once: what takes it keeps it before anything else.
    boost::asio::awaitable<Result<Made<NewUser>>> create_user(std::string email);
    boost::asio::awaitable<Result<void>> delete_user(std::string id);

    boost::asio::awaitable<Result<std::vector<ObservedComputeResource>>> compute_resources();
    boost::asio::awaitable<Result<Made<ObservedComputeResource>>> create_compute_resource(
        ComputeResource wanted);
    boost::asio::awaitable<Result<ObservedComputeResource>> update_compute_resource(std::string id,
                                                                                    ComputeResource wanted);
    boost::asio::awaitable<Result<void>> delete_compute_resource(std::string id);

    /// How far Run:ai's clock is ahead of ours, by the last token's `iat`; nothing if it did not say.
    std::optional<std::chrono::seconds> clock_ahead() const;

    /// The setting department.use.
    boost::asio::awaitable<Result<bool>> departments_are_on();

  private:
    explicit Client(std::shared_ptr<Caller> caller);
    std::shared_ptr<Caller> caller_;
};

}  // namespace stowage::runai
