// The calls about everything but NFS data sources: one file each.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include <memory>
#include <vector>

#include "provisioning/runai/client.hpp"

namespace stowage::runai {

struct Caller;
template <typename T>
using Answer = boost::asio::awaitable<Result<T>>;

// See the functions of Client, which these are the bodies of. Their frames own the Caller.

// cluster_calls.cpp
Answer<Cluster> find_cluster(std::shared_ptr<Caller> caller);
Answer<Department> find_department(std::shared_ptr<Caller> caller, std::string cluster_uuid,
                                   std::string name);
// node_pool_calls.cpp
Answer<std::vector<ObservedNodePool>> list_node_pools(std::shared_ptr<Caller> caller, std::string cluster);
Answer<Made<ObservedNodePool>> create_node_pool(std::shared_ptr<Caller> caller, std::string cluster,
                                                NodePool wanted);
// org_unit_calls.cpp
Answer<std::vector<ObservedOrgUnit>> list_org_units(std::shared_ptr<Caller> caller, UnitKind kind,
                                                    std::string cluster);
Answer<std::string> find_project_id(std::shared_ptr<Caller> caller, std::string cluster, std::string parent,
                                    std::string name);
Answer<ObservedOrgUnit> get_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, std::string id);
Answer<Made<ObservedOrgUnit>> create_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, OrgUnit wanted);
Answer<ObservedOrgUnit> update_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, std::string id,
                                        OrgUnit wanted);
Answer<ObservedOrgUnit> wait_until_ready(std::shared_ptr<Caller> caller, std::string project_id);
// access_calls.cpp
Answer<std::vector<Role>> list_roles(std::shared_ptr<Caller> caller);
Answer<std::vector<ObservedAccessRule>> list_access_rules(std::shared_ptr<Caller> caller);
Answer<Made<ObservedAccessRule>> create_access_rule(std::shared_ptr<Caller> caller, AccessRule wanted);
Answer<void> delete_access_rule(std::shared_ptr<Caller> caller, std::int64_t id);
// user_calls.cpp
Answer<std::vector<User>> list_users(std::shared_ptr<Caller> caller);
Answer<Made<NewUser>> create_user(std::shared_ptr<Caller> caller, std::string email);
Answer<void> delete_user(std::shared_ptr<Caller> caller, std::string id);
// compute_calls.cpp
Answer<std::vector<ObservedComputeResource>> list_compute_resources(std::shared_ptr<Caller> caller);
Answer<Made<ObservedComputeResource>> create_compute_resource(std::shared_ptr<Caller> caller,
                                                              ComputeResource wanted);
Answer<ObservedComputeResource> update_compute_resource(std::shared_ptr<Caller> caller, std::string id,
                                                        ComputeResource wanted);
Answer<void> delete_compute_resource(std::shared_ptr<Caller> caller, std::string id);
// setting_calls.cpp
Answer<bool> departments_are_on(std::shared_ptr<Caller> caller);

}  // namespace stowage::runai
