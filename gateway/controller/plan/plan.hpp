// plan(): desired, observed and owned in, steps out. Pure functions: no clock, no database, no network.
// Runs in: controller. Distrusts: what was observed in Run:ai.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/controller/plan/step.hpp"
#include "gateway/controller/state/records.hpp"

namespace stowage::controller {

/// What the configuration says about every lab.
struct Site {
    std::string labs_root;  ///< "/mnt/nfs"
    std::uint32_t uid_min = 0, uid_max = 0;
    std::string nfs_address;     ///< as pods reach this node
    std::string container_path;  ///< where pods find the lab
    Durability durability{};     ///< of labs that do not choose, as the next one
    Resumption data_tls_resumption{};
    QuotaChoice quota_backend{};
    NfsServer nfs_server{};

    std::string directory_of(const std::string& lab) const { return labs_root + "/" + lab; }
};

/// What the supervisor is told about a lab.
struct ServedForm {
    message::PutLab lab;
    std::string client_cas;  ///< PEM; goes beside the message
};

/// The lab on this node.
struct ObservedStorage {
    message::LabObservation lab;
    /// What the supervisor was told about serving it over FTPS; nothing: not to.
    std::optional<ServedForm> served = {};
    bool verified = false;        ///< since the last change
    bool labs_were_made = false;  ///< this one or others: their filesystem bears our mark
    bool is_mark_known = true;    ///< else it was made by a former version, and is taken over
};

/// Run:ai is not used: runai.url is empty.
struct NoRunai {};
/// It could not be asked, or it has no department of this name.
struct UnknownRegistration {
    Error error;
};
/// Where in Run:ai a lab's data source belongs.
struct DataSourceScope {
    std::string department_id;
    std::string project_id = {};  ///< empty: the department's, for all its projects
};
/// The scope as it is there, and the data source of the lab's name in it.
struct KnownRegistration {
    DataSourceScope scope;
    std::optional<runai::ObservedDataSource> found = {};
};
using ObservedRegistration = std::variant<NoRunai, UnknownRegistration, KnownRegistration>;

/// Of two numbers of bytes: quota tools count in blocks.
bool is_same_limit(std::uint64_t one, std::uint64_t other);
/// What lies there is under a mount point whose filesystem is missing, and nobody's lab.
bool is_elsewhere(const message::LabObservation& seen);
/// labs.root does not bear the mark, although labs were made: its filesystem is not mounted.
Error missing_filesystem(const Site& site);
/// What the supervisor should be told about a lab.
ServedForm served_form(const Lab& lab, const Site& site);
/// What should stand in Run:ai.
runai::NfsDataSource data_source_form(const Lab& lab, const Site& site, const DataSourceScope& scope);
/// "department lab1", "project lab1/lab1-default-project"
std::string scope_text(const Lab& lab);

/// Directory, quota, export, FTPS, mount check, in this order; one step each, `unchanged` ones included. An
/// export that is there and changes comes before the quota, which may take long, and FTPS before a walk.
std::vector<Step> plan_storage(const Lab& lab, const Site& site, const ObservedStorage& observed);

/// What a lab should be on this node, as one line: as long as it stays the same, a difference is somebody
/// else's doing.
std::string wanted_form(const Lab& lab, const Site& site);

/// A deviation that came after the lab was right.
struct Drift {
    StepKind kind{};  ///< the step that would set it right
    Deviation deviation;
    bool ours = true;  ///< false: it is told, and never touched
};

/// Which of the deviations in a plan are drift: the lab was found right, and the same is wanted still.
std::vector<Drift> find_drift(const FoundRight& right, const std::string& wanted, const std::string& boot,
                              const message::LabObservation& seen, const std::vector<Step>& steps);

/// Whether find_drift() could tell of all that may have drifted: the lab was right with what is wanted now,
/// and is there to be looked at.
bool looks_for_drift(const FoundRight& right, const std::string& wanted, const message::LabObservation& seen,
                     const std::vector<Step>& steps);

/// Has the plan leave what has drifted as it is, and say so. A mount that is missing and no drift is made.
void leave_alone(std::vector<Step>& steps, const std::vector<Drift>& drift);

/// The data source, if Run:ai is used; before it the end of one of ours whose scope is another, which cannot
/// be changed. When Run:ai cannot be asked: one step with change `create` or `unchanged` (by what we own)
/// whose error says why it is not known.
std::vector<Step> plan_registration(const Lab& lab, const Site& site, const ObservedRegistration& observed,
                                    const std::optional<OwnedDataSource>& owned);

/// The way out of a lab whose phase is a leaving one: unregister, end FTPS, remove accounts, unexport, purge
/// or keep, forget. Nothing comes before what could still be refused for users' sake.
std::vector<Step> plan_removal(const Lab& lab, const Site& site, const message::LabObservation& observed,
                               const ObservedRegistration& registration,
                               const std::optional<OwnedDataSource>& owned,
                               const std::vector<Account>& accounts);

}  // namespace stowage::controller
