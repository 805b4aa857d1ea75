// Bodies of requests, checked whole.
// Runs in: controller. Distrusts: all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/controller/plan/site.hpp"
#include "gateway/controller/state/records.hpp"

namespace stowage::controller {

/// What is left out stays as it is, or is the configured default for a new lab.
struct LabRequest {
    std::string name;
    std::optional<std::uint64_t> quota_bytes = {}, quota_inodes = {};
    std::optional<std::vector<std::string>> clients = {};  ///< canonical
    /// "default" is asked for as well: nothing inside something.
    std::optional<std::optional<Durability>> durability = {};
    std::optional<std::optional<Resumption>> data_tls_resumption = {};
    std::optional<std::string> client_cas = {};  ///< checked PEM; empty: no client certificates any more
    std::optional<std::string> data_source_project = {};  ///< empty: the department's
};

struct UserRequest {
    std::string name, lab;
    std::optional<Secret> password = {};
    std::string email = {};  ///< of a person of the site: the password is kept sealed until it is shown
};

struct SiteRequest {
    std::vector<LabRequest> labs;
    std::vector<UserRequest> users;
    std::optional<WantedSite> runai = {};
    std::string container_path = {};  ///< where the site says that pods find their lab; empty: nothing said
    bool adopt = false, prune = false;
    std::vector<std::string> confirmed = {};  ///< titles of what may be deleted
};

/// A person of a lab: a user of Run:ai with roles in a project, and an FTPS user of the same name.
struct PersonRequest {
    WantedMember member;
    UserRequest user;
};

/// Whose secret was shown.
struct ShownSecret {
    std::string service, email, name;
};

// Each is Code::invalid naming the field: bad JSON, unknown keys, names, sizes, networks, duplicates.
Result<LabRequest> parse_lab_request(std::string_view body);
/// The same without a name: what of a lab that is there is to change.
Result<LabRequest> parse_lab_settings(std::string_view body);
/// The password is there and good.
Result<UserRequest> parse_user_request(std::string_view body);
Result<PersonRequest> parse_person_request(std::string_view body);
Result<Secret> parse_password_request(std::string_view body);
Result<std::vector<ShownSecret>> parse_secrets_request(std::string_view body);
Result<SiteRequest> parse_site_request(std::string_view body);

/// What a lab should be: the request over what it is now, or over the configured defaults.
LabSettings settings_for(const LabRequest& request, const std::optional<Lab>& now, const Config& config);

}  // namespace stowage::controller
