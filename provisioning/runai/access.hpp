// Roles, access rules and users of Run:ai as values.
// Runs in: controller. Distrusts: what came back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::runai {

struct Role {
    std::int64_t id = 0;
    std::string name;
    bool enabled = true;  ///< 2.24 can switch roles off
};

/// One subject, one role, one scope.
struct AccessRule {
    std::string subject;  ///< of a user: the email address
    std::int64_t role_id = 0;
    std::string scope_type;  ///< "project", "department", …
    std::string scope_id;

    bool operator==(const AccessRule&) const = default;
};

struct ObservedAccessRule {
    std::int64_t id = 0;
    std::string subject_type;  ///< "user", "app", …
    AccessRule value;
    std::string phase;  ///< of 2.24; empty before
    std::string created_by = {};
};

struct User {
    std::string id, email;
    bool has_logged_in = false;
    std::string created_by = {};  ///< of what is ours, our application; empty: it is not said
};

/// A user that was just made.
struct NewUser {
    User user;
    Secret password;  ///< temporary, shown this once; empty: the answer that held it got lost
};

/// Run:ai's own pattern. Code::invalid.
Result<void> check_email(std::string_view email);

}  // namespace stowage::runai
