// Run:ai's JSON: replies into our values, our values into request bodies.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/secret.hpp"
#include "provisioning/runai/client.hpp"

namespace stowage::runai {

/// A token as POST /api/v1/token gives it.
struct Token {
    Secret text;
    /// From `expiresIn`, else from the JWT; nothing when neither says.
    std::optional<std::chrono::seconds> lifetime;
    std::optional<std::int64_t> issued_at = {};  ///< seconds since the epoch, by Run:ai's clock
};

struct DepartmentInCluster {
    Department department;
    std::string cluster_uuid;
};

struct DepartmentPage {
    std::vector<DepartmentInCluster> departments;
    std::optional<std::int64_t> next;  ///< offset of the next page
};

// `operation` names the request in error texts: "GET /api/v1/clusters".

Result<Token> token_in(std::string_view operation, const boost::json::value& reply);
/// Those that are not being deleted.
Result<std::vector<Cluster>> clusters_in(std::string_view operation, const boost::json::value& reply);
Result<DepartmentPage> departments_in(std::string_view operation, const boost::json::value& reply);
Result<ObservedDataSource> nfs_data_source_in(std::string_view operation, const boost::json::value& reply);
Result<std::vector<ObservedDataSource>> nfs_data_sources_in(std::string_view operation,
                                                            const boost::json::value& reply);
Result<std::vector<DataSourceUser>> users_in(std::string_view operation, const boost::json::value& reply);

/// What an error reply says, escaped and cut to 300 bytes: Run:ai's `message` and `details`, OAuth's
/// `error_description`, else the beginning of the text.
std::string message_in(std::string_view error_body);

std::string token_request(std::string_view client_id, const Secret& client_secret);
std::string create_request(const NfsDataSource& source);
/// Without the scope, which cannot be changed.
std::string update_request(const NfsDataSource& source);

/// When it was issued, by the clock of who issued it.
std::optional<std::int64_t> jwt_issued_at(std::string_view jwt);

/// How long a JWT is good for: `exp` - `iat`, which needs no agreement between the clocks, else `exp` -
/// `now`. Nothing if it is no JWT or has no `exp`. The signature is not looked at: only Run:ai can.
std::optional<std::chrono::seconds> jwt_lifetime(std::string_view jwt,
                                                 std::chrono::system_clock::time_point now);

}  // namespace stowage::runai
