// What the state database holds, as values.
// Runs in: controller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"
#include "provisioning/runai/data_source.hpp"

namespace stowage::controller {

/// What the admin chooses about a lab.
struct LabSettings {
    std::uint64_t quota_bytes = 0, quota_inodes = 0;  ///< 0: no limit
    std::vector<std::string> clients;                 ///< canonical networks
    /// Nothing: as the configuration says, also when that changes.
    std::optional<Durability> durability = {};
    std::optional<Resumption> data_tls_resumption = {};
    std::string client_cas = {};  ///< PEM, as check_client_cas() made it; empty: no client certificates
    /// The project of its department that has the data source; empty: the department, for all its projects.
    std::string data_source_project = {};

    bool operator==(const LabSettings&) const = default;
};

/// Whether a lab should be there. A lab on its way out stays on it, through restarts, until it is gone.
enum class Phase { live, leaving_data_kept, leaving_data_purged };

/// What we know of having made the lab's directory: `making` is written before the step, so that a crash in
/// between cannot make our own half-made directory look like somebody else's.
enum class DirectoryPhase { none, making, made };

struct Lab {
    std::string name;
    std::uint32_t uid = 0;  ///< the gid is the same number
    std::uint16_t export_id = 0;
    message::Uuid fsid{};
    std::uint32_t project_id = 0;  ///< for quotas of XFS and ext4; 0: it was given none yet
    LabSettings settings;
    Phase phase = Phase::live;
    DirectoryPhase directory = DirectoryPhase::none;
    std::int64_t created_at = 0;  ///< seconds since the epoch, as all times here

    bool leaves() const { return phase != Phase::live; }
};

/// The data source that we made or adopted for a lab.
struct OwnedDataSource {
    std::string remote_id;  ///< empty: about to be made, or made and not heard of
    bool made = true;       ///< false: it was there and equal; never changed and never deleted by us
    runai::NfsDataSource sent;
};

/// Kinds of objects of Run:ai that a site file names, in the order in which they need each other.
enum class ObjectKind { node_pool, department, project, compute_resource, user, access_rule };

/// "node pool", "department", …
std::string_view to_string(ObjectKind kind);

/// An object of Run:ai that we made or adopted.
struct OwnedObject {
    ObjectKind kind{};
    std::string key;        ///< its name; "lab1/project", or of a rule "alice@example.org/role/lab1/project"
    std::string remote_id;  ///< empty: about to be made, or made and not heard of
    bool made = true;       ///< false: adopted, so never deleted by us
    /// When this was written down; of an intent, not before its last request was sent.
    std::int64_t since = 0;
};

/// An FTPS user. Only `active` ones exist for anybody but us: the others are half-way in or out.
enum class AccountPhase { adding, active, removing };

struct Account {
    std::string user, lab;
    AccountPhase phase = AccountPhase::active;
    std::int64_t created_at = 0;
};

enum class LabState { pending, ready, degraded, failed, deleting };

/// "ready", "degraded", …
std::string_view to_string(LabState state);

/// How a lab is doing, and since when it does so for this reason.
struct LabStatus {
    LabState state = LabState::pending;
    std::string why;
    std::int64_t since = 0;
    std::int64_t verified_at = 0;  ///< 0: not since something about it was changed
};

/// What a lab was when it was last found right: what differs from it later, although the same is wanted, was
/// changed by somebody else.
struct FoundRight {
    std::string wanted = {};  ///< see wanted_form(); empty: it was never right
    std::string boot = {};    ///< boot_id of the kernel: mounts and exports may go with a reboot
    message::QuotaBackend backend = message::QuotaBackend::none;

    bool operator==(const FoundRight&) const = default;
};

enum class DriftOutcome {
    reported,      ///< it is still so: by policy, or because it is not ours to touch
    repaired,      ///< we set it right
    not_repaired,  ///< we tried and failed; tried again by the next pass
    set_right,     ///< somebody else did
};

/// "reported", "repaired", …
std::string_view to_string(DriftOutcome outcome);

/// Something about a lab that somebody else changed.
struct DriftRecord {
    std::string what;            ///< "quota", "owner", …
    std::string was, should_be;  ///< as it was found
    std::int64_t found_at = 0;
    DriftOutcome outcome = DriftOutcome::reported;

    bool is_open() const {
        return outcome == DriftOutcome::reported || outcome == DriftOutcome::not_repaired;
    }
};

/// One part of the last verification.
struct Check {
    std::string name;
    bool ok = false;
    std::int64_t ms = 0;
    std::string detail;
};

/// A step that began and never ended.
struct InterruptedStep {
    std::string lab, step;
};

}  // namespace stowage::controller
