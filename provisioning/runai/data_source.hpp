// NFS data sources of Run:ai as values: what we want, what is there, and where the two differ.
// Runs in: controller. Distrusts: both; what is sent is checked before, what came back is escaped when shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "provisioning/runai/difference.hpp"

namespace stowage::runai {

/// An NFS data source of one department or one project, in our words.
struct NfsDataSource {
    std::string name;           ///< "lab1-nfs"
    std::string department_id;  ///< a string that holds a number, for example "100002"
    std::string server;         ///< host name or address, as pods reach it
    std::string path;           ///< what the server exports; API field `path`
    std::string mount_path;     ///< where containers see it; API field `mountPath`
    bool read_only = false;     ///< always sent: the API's default is true
    std::string project_id{};   ///< of scope project alone, a number too; then the department does not count
};

/// A data source as Run:ai reports it.
struct ObservedDataSource {
    std::string id;     ///< a UUID
    std::string scope;  ///< "department" or "project" for what find_nfs_data_source() returns
    NfsDataSource value;
    std::string created_by;  ///< as told by Run:ai; for people, not for decisions
};

/// Every field in which `found` is not as `wanted`; empty when they are equal. Paths are compared without
/// trailing slashes, host names without regard to case.
std::vector<Difference> differences(const NfsDataSource& wanted, const NfsDataSource& found);

/// Refuses with Code::invalid what Run:ai's schema would accept and nobody could mount: a relative path,
/// `..`, a server that is neither a host name (RFC 1123) nor an address, no department or project, a name
/// beyond letters, digits, '-', '_' and '.'.
Result<void> check(const NfsDataSource& source);

/// Somebody who refers to a data source, from the API's `usedBy`.
struct DataSourceUser {
    std::string kind;  ///< "workspaces", "trainings", "templates", …
    std::string id, name;
    std::string status;  ///< of workloads; may be empty
};

/// "workspaces jupyter-1 (Running), templates t1"
std::string to_string(const std::vector<DataSourceUser>& users);

}  // namespace stowage::runai
