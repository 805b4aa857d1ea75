// What has to be done in Run:ai for a lab to be as asked.
// Runs in: controller. Distrusts: what was observed.
#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

namespace {

/// A data source of the right name is there: whose is it, and is it right?
void judge(Step& step, const runai::NfsDataSource& wanted, const runai::ObservedDataSource& found,
           const std::optional<OwnedDataSource>& owned) {
    const auto difference = runai::differences(wanted, found.value);
    if (owned && owned->remote_id == found.id) {
        if (difference.empty()) return;
        if (owned->made) {
            step.change = Change::change;
            step.detail = runai::to_string(difference);
            step.data_source = owned;
            return;
        }
    }
    // An intent without an id, and what was intended is there: our request arrived, its answer did not.
    const bool cut_off =
        owned && owned->remote_id.empty() && runai::differences(owned->sent, found.value).empty();
    if (cut_off || difference.empty()) {
        step.change = Change::adopt;
        step.detail = cut_off ? "made in a run that was cut off" : "it was there, and equal";
        step.data_source = OwnedDataSource{found.id, cut_off, found.value};
        return;
    }
    step.change = Change::differs;
    step.detail = runai::to_string(difference);
    step.error = Error{
        Code::differs,
        fmt::format("Run:ai has a data source {} that {} made, not stowage: {}", wanted.name,
                    found.created_by.empty() ? "somebody" : log::escaped(found.created_by), step.detail),
        "delete it in Run:ai (stowage then makes its own), or change it there to be equal"};
}

}  // namespace

std::string scope_text(const Lab& lab) {
    const auto& project = lab.settings.data_source_project;
    return project.empty() ? "department " + lab.name : fmt::format("project {}/{}", lab.name, project);
}

runai::NfsDataSource data_source_form(const Lab& lab, const Site& site, const DataSourceScope& scope) {
    runai::NfsDataSource source;
    source.name = lab.name + "-nfs";
    source.department_id = scope.department_id;
    source.project_id = scope.project_id;
    source.server = site.nfs_address;
    source.path = site.directory_of(lab.name);
    source.mount_path = site.container_path;
    source.read_only = false;
    return source;
}

std::vector<Step> plan_registration(const Lab& lab, const Site& site, const ObservedRegistration& observed,
                                    const std::optional<OwnedDataSource>& owned) {
    if (std::holds_alternative<NoRunai>(observed)) return {};
    Step step{.lab = lab.name,
              .kind = StepKind::register_data_source,
              .title = fmt::format("data source {}-nfs in {}", lab.name, scope_text(lab))};
    if (const auto* unknown = std::get_if<UnknownRegistration>(&observed)) {
        step.change = owned && !owned->remote_id.empty() ? Change::unchanged : Change::create;
        step.detail = "not known: " + unknown->error.what;
        step.error = unknown->error;
        return {step};
    }
    const auto& known = std::get<KnownRegistration>(observed);
    if (known.found) {
        judge(step, data_source_form(lab, site, known.scope), *known.found, owned);
        return {step};
    }
    step.change = Change::create;
    if (!owned || owned->remote_id.empty()) return {step};
    if (owned->sent.project_id == known.scope.project_id) {
        step.detail = "it is gone from Run:ai";
        return {step};
    }
    if (!owned->made) return {step};
    // The name is taken until the old one is gone.
    Step old{.lab = lab.name,
             .kind = StepKind::unregister_data_source,
             .title = fmt::format("data source {}-nfs of another scope", lab.name),
             .change = Change::remove,
             .detail = "a scope cannot be changed: it is deleted and made anew"};
    old.data_source = owned;
    return {old, step};
}

}  // namespace stowage::controller
