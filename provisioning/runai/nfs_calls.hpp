// The calls about NFS data sources.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include <memory>

#include "provisioning/runai/client.hpp"

namespace stowage::runai {

struct Caller;

// See the functions of Client, which these are the bodies of. Their frames own the Caller.
boost::asio::awaitable<Result<std::optional<ObservedDataSource>>> find_nfs(std::shared_ptr<Caller> caller,
                                                                           NfsDataSource wanted);
boost::asio::awaitable<Result<Created>> create_nfs(std::shared_ptr<Caller> caller, NfsDataSource wanted);
boost::asio::awaitable<Result<ObservedDataSource>> update_nfs(std::shared_ptr<Caller> caller, std::string id,
                                                              NfsDataSource wanted);
boost::asio::awaitable<Result<void>> delete_nfs(std::shared_ptr<Caller> caller, std::string id);
boost::asio::awaitable<Result<std::vector<DataSourceUser>>> nfs_users(std::shared_ptr<Caller> caller,
                                                                      std::string id);

boost::asio::awaitable<Result<std::vector<ObservedDataSource>>> list_nfs(std::shared_ptr<Caller> caller);

}  // namespace stowage::runai
