// The way out of a lab.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

namespace {

/// What was found under our name and is ours to take away: its id, or nothing.
std::optional<std::string> ours(const std::optional<runai::ObservedDataSource>& found,
                                const OwnedDataSource& owned) {
    if (!found || !owned.made) return std::nullopt;
    const bool cut_off = owned.remote_id.empty() && runai::differences(owned.sent, found->value).empty();
    if (cut_off || owned.remote_id == found->id) return found->id;
    return std::nullopt;
}

Step unregister_step(const Lab& lab, const ObservedRegistration& observed,
                     const std::optional<OwnedDataSource>& owned) {
    Step step{.lab = lab.name,
              .kind = StepKind::unregister_data_source,
              .title = fmt::format("unregister data source {}-nfs", lab.name)};
    if (!owned) {
        step.detail = "none of ours";
        return step;
    }
    step.change = Change::remove;
    step.data_source = owned;
    if (std::holds_alternative<NoRunai>(observed)) {
        step.change = Change::differs;
        step.error =
            Error{Code::config,
                  fmt::format("data source {} is in Run:ai, and runai.url is empty", owned->sent.name),
                  "set runai.url again, so that it can be taken away"};
        step.detail = step.error->what;
        return step;
    }
    if (const auto* unknown = std::get_if<UnknownRegistration>(&observed)) {
        step.detail = "not known: " + unknown->error.what;
        step.error = unknown->error;
        return step;
    }
    const auto id = ours(std::get<KnownRegistration>(observed).found, *owned);
    step.data_source->remote_id = id.value_or("");
    if (!owned->made)
        step.detail = "it stays in Run:ai: stowage did not make it";
    else if (!id)
        step.detail = "it is gone from Run:ai already";
    return step;
}

Step export_step(const Lab& lab, const Site& site, const message::LabObservation& seen) {
    Step step{.lab = lab.name,
              .kind = StepKind::withdraw_export,
              .title = "withdraw the export of " + site.directory_of(lab.name),
              .change = Change::remove};
    // Marked and exported are what is left of a lab; without either nothing of it was begun, or it is done
    // already.
    const bool begun = lab.directory != DirectoryPhase::none || seen.marked || seen.export_present;
    if (!begun) step.change = Change::unchanged;
    return step;
}

Step purge_step(const Lab& lab, const Site& site, const message::LabObservation& seen) {
    const auto directory = site.directory_of(lab.name);
    Step step{.lab = lab.name, .kind = StepKind::purge_directory, .title = "delete " + directory};
    if (lab.phase == Phase::leaving_data_kept) {
        step.title = "keep " + directory;
        step.detail = fmt::format("uid {} stays reserved for lab {}", lab.uid, lab.name);
        return step;
    }
    // Also when it is not to be seen: a deletion that was cut off goes on out of sight.
    if (!seen.directory_exists) {
        step.change = Change::remove;
        step.detail = "it is not there any more";
        return step;
    }
    const bool ours =
        seen.marked || (lab.directory != DirectoryPhase::none && (seen.empty || seen.uid == lab.uid));
    step.change = ours ? Change::remove : Change::differs;
    if (!ours) {
        step.error =
            Error{Code::differs, fmt::format("{} does not bear the mark of lab {}", directory, lab.name),
                  "look at it, and delete it by hand if it may go; then delete the lab without --purge-data"};
        step.detail = step.error->what;
    }
    return step;
}

}  // namespace

std::vector<Step> plan_removal(const Lab& lab, const Site& site, const message::LabObservation& observed,
                               const ObservedRegistration& registration,
                               const std::optional<OwnedDataSource>& owned,
                               const std::vector<Account>& accounts) {
    std::vector<Step> steps;
    steps.push_back(unregister_step(lab, registration, owned));
    steps.push_back({.lab = lab.name,
                     .kind = StepKind::withdraw_ftps,
                     .title = "end FTPS access",
                     .change = Change::remove});
    for (const auto& account : accounts)
        if (account.lab == lab.name)
            steps.push_back({.lab = lab.name,
                             .kind = StepKind::remove_account,
                             .title = "remove user " + account.user,
                             .change = Change::remove,
                             .user = account.user});
    steps.push_back(export_step(lab, site, observed));
    steps.push_back(purge_step(lab, site, observed));
    steps.push_back({.lab = lab.name,
                     .kind = StepKind::forget_lab,
                     .title = "forget lab " + lab.name,
                     .change = Change::remove});
    return steps;
}

}  // namespace stowage::controller
