// Client of the Run:ai control plane: clusters, departments and NFS data sources.
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
#include "provisioning/runai/data_source.hpp"

namespace stowage::runai {

/// How a call that failed for reasons that may pass is tried again.
struct Retries {
    unsigned max_tries = 5;  ///< of one request, the first one included
    std::chrono::milliseconds first_wait{250};
    std::chrono::milliseconds max_wait{10000};
    /// A Retry-After above this ends the call with Code::unavailable instead of waiting.
    std::chrono::seconds max_retry_after{60};
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
};

struct Cluster {
    std::string uuid, name;
    std::string version;    ///< of the cluster's side; may be empty
    std::string tenant_id;  ///< decimal
    std::string state;      ///< "Connected", …; may be empty
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

    /// The data source of exactly this name and scope, or nothing. Those inherited from the cluster or the
    /// tenant do not count.
    boost::asio::awaitable<Result<std::optional<ObservedDataSource>>> find_nfs_data_source(
        std::string department_id, std::string name);

    /// Stores it once, whatever happens in between: after an answer that got lost it is looked up before the
    /// request is repeated. Code::differs when another of this name is there (the text has the fields),
    /// Code::exists when the name is taken in another scope.
    boost::asio::awaitable<Result<Created>> create_nfs_data_source(NfsDataSource wanted);

    /// Replaces name, server, paths and read-only flag. The department cannot be changed. Code::not_found.
    boost::asio::awaitable<Result<ObservedDataSource>> update_nfs_data_source(std::string id,
                                                                              NfsDataSource wanted);

    /// Asks for its users first: Code::in_use names them. One that is not there is success. Running workloads
    /// keep what they have mounted.
    boost::asio::awaitable<Result<void>> delete_nfs_data_source(std::string id);

    /// Who refers to it; Code::not_found.
    boost::asio::awaitable<Result<std::vector<DataSourceUser>>> data_source_users(std::string id);

  private:
    explicit Client(std::shared_ptr<Caller> caller);
    std::shared_ptr<Caller> caller_;
};

}  // namespace stowage::runai
