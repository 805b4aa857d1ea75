// The way out of a lab.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

namespace {

/// A creation that was cut off left no id: what was intended is ours if it is there.
void find_cut_off(Step& step, const ObservedRegistration& observed, const OwnedDataSource& owned) {
    const auto* known = std::get_if<KnownRegistration>(&observed);
    if (known && known->found && runai::differences(owned.sent, known->found->value).empty()) {
        step.data_source->remote_id = known->found->id;
        return;
    }
    const auto* unknown = std::get_if<UnknownRegistration>(&observed);
    // A department that is gone took its data sources along.
    if (known || (unknown && unknown->error.code == Code::not_found)) {
        step.detail = "it is not in Run:ai";
        return;
    }
    step.error = unknown ? unknown->error : Error{Code::config, "runai.url is empty", ""};
    step.detail = "not known: " + step.error->what;
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
    if (!owned->made) {
        step.detail = "it stays in Run:ai: stowage did not make it";
        step.data_source->remote_id.clear();
    } else if (std::holds_alternative<NoRunai>(observed)) {
        step.change = Change::differs;
        step.error =
            Error{Code::config,
                  fmt::format("data source {} is in Run:ai, and runai.url is empty", owned->sent.name),
                  "set runai.url again, so that it can be taken away"};
        step.detail = step.error->what;
    } else if (owned->remote_id.empty()) {
        find_cut_off(step, observed, *owned);
    }
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
    const bool kept = lab.phase == Phase::leaving_data_kept;
    if (kept) step.title = "keep " + directory;
    // Forgotten while its filesystem is away, the lab would come back with it, and its uid be another's by
    // then.
    if (lab.directory != DirectoryPhase::none && is_elsewhere(seen)) {
        step.change = Change::differs;
        step.error = missing_filesystem(site);
        step.detail = step.error->what;
        return step;
    }
    if (kept) {
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
    auto purge = purge_step(lab, site, observed);
    // Users keep their accounts as long as the lab cannot go.
    if (purge.error && purge.error->code == Code::unavailable) {
        steps.push_back(std::move(purge));
        return steps;
    }
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
    steps.push_back(std::move(purge));
    steps.push_back({.lab = lab.name,
                     .kind = StepKind::forget_lab,
                     .title = "forget lab " + lab.name,
                     .change = Change::remove});
    return steps;
}

}  // namespace stowage::controller
