// The result line.
// Runs in: controller.
#include "gateway/controller/control/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

/// What is tried again by itself has not failed yet; a verification asks how it is now.
bool failed(const LabResult& result, bool goes_on) {
    if (result.refused || result.state == LabState::failed) return true;
    if (result.gone || result.state == LabState::ready || result.state == LabState::degraded) return false;
    return !goes_on || !result.error || !is_transient(result.error->code);
}

/// What went with a lab, and what of it only Run:ai's own pages delete: others' work may be in it.
std::string what_else(const Context& context, const std::string& lab, std::size_t users_gone) {
    std::string text;
    if (users_gone > 0)
        text += fmt::format("; {} removed", counted(users_gone, "FTPS user was", "FTPS users were"));
    const auto owned = context.state.objects();
    const bool stays = std::any_of(owned.begin(), owned.end(), [&](const OwnedObject& one) {
        return one.kind == ObjectKind::department && one.key == lab;
    });
    if (stays)
        text += fmt::format(
            "; in Run:ai department {} stays with its projects: delete it there, and take the lab out of the "
            "site file, then `stowage prune FILE` deletes its people",
            lab);
    return text;
}

std::string summary_of(const Context& context, const LabResult& lab, std::size_t users_gone) {
    if (lab.gone && lab.kept)
        return fmt::format(
            "lab {0} is deleted, its data stays in {1}; `stowage lab delete {0} --purge-data` deletes it "
            "too{2}",
            lab.lab, context.site.directory_of(lab.lab), what_else(context, lab.lab, users_gone));
    if (lab.gone) return fmt::format("lab {} is deleted{}", lab.lab, what_else(context, lab.lab, users_gone));
    if (lab.refused) return fmt::format("lab {} is as it was: {}", lab.lab, lab.error->what);
    if (lab.error) return fmt::format("lab {} is {}: {}", lab.lab, to_string(lab.state), lab.error->what);
    return fmt::format("lab {} is {}", lab.lab, to_string(lab.state));
}

std::string summary_of(const Context& context, const Outcome& outcome, bool converged) {
    if (outcome.labs.size() == 1 && outcome.users.empty() && !outcome.site)
        return summary_of(context, outcome.labs.front(), outcome.users_gone);
    if (outcome.labs.empty() && outcome.users.empty() && !outcome.site && outcome.user_error)
        return "nothing was made";
    const auto ready = std::count_if(outcome.labs.begin(), outcome.labs.end(),
                                     [](const LabResult& lab) { return lab.state == LabState::ready; });
    std::string site;
    if (outcome.site)
        site = fmt::format("Run:ai: {} done, {} unchanged, {} left; ", outcome.site->done,
                           outcome.site->unchanged, outcome.site->failures.size());
    std::string labs;
    if (!outcome.labs.empty())
        labs = fmt::format("{} of {} ready, ", ready, counted(outcome.labs.size(), "lab"));
    // Nothing of a site is tried again by itself.
    const bool again = outcome.site && !outcome.site->converged();
    return fmt::format("{}{}{} made{}{}", site, labs, counted(outcome.users.size(), "user"),
                       converged ? "" : "; not everything is as asked",
                       again ? ": set right what stands above, then run the same command again" : "");
}

}  // namespace

void finish(Context& context, const std::shared_ptr<EventStream>& stream, const Outcome& outcome) {
    std::optional<Error> error = outcome.user_error;
    bool ok = !error, converged = ok;
    json::array labs, users;
    for (const auto& result : outcome.labs) {
        ok = ok && !failed(result, outcome.goes_on);
        converged = converged && (result.gone || result.state == LabState::ready);
        if (result.error && !error) error = result.error;
        if (const auto lab = context.state.lab(result.lab)) labs.push_back(lab_view(context, *lab));
    }
    for (const auto& account : outcome.users)
        users.push_back(user_view(account));
    json::array warnings;
    if (outcome.site) {
        // What Run:ai does not take now is left for the next apply: the labs are served all the same.
        converged = converged && outcome.site->converged();
        if (!outcome.site->converged() && !error) error = outcome.site->failures.front().error;
        for (const auto& warning : outcome.site->warnings)
            warnings.emplace_back(warning);
    }
    json::object line{{"event", "result"}, {"ok", ok}, {"converged", converged}};
    line["labs"] = std::move(labs);
    line["users"] = std::move(users);
    line["warnings"] = std::move(warnings);
    line["secrets"] = waiting_secrets(context).size();
    line["summary"] = summary_of(context, outcome, converged);
    if (error) line["error"] = error_view(*error);
    stream->push(json::serialize(line) + "\n");
    stream->end();
}

}  // namespace stowage::controller
