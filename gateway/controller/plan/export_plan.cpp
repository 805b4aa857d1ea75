// To whom a lab is exported, and to whom it shall be.
// Runs in: controller.
#include "gateway/controller/plan/export_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/config_parsers.hpp"

namespace stowage::controller {

namespace {

/// Who may mount the lab now, as the server tells; a wildcard among them, where somebody opened it by hand.
struct Served {
    std::string words;     ///< "to 10.0.0.0/8, 0.0.0.0/0", "not at all", "with other options, …"
    bool further = false;  ///< to somebody who was not asked for
};

Served served_by(const Lab& lab, const message::LabObservation& seen) {
    const auto to = config_parsers::split(seen.exported_to.view());
    const auto& asked = lab.settings.clients;
    Served served;
    served.further = std::any_of(to.begin(), to.end(), [&](const auto& one) {
        return std::find(asked.begin(), asked.end(), one) == asked.end();
    });
    if (to.empty())
        served.words = "not at all";
    else if (!served.further && to.size() == asked.size())
        served.words = "with other options, or its file was changed";
    else
        served.words = fmt::format("to {}", fmt::join(to, ", "));
    return served;
}

}  // namespace

Step plan_export(const Lab& lab, const Site& site, const message::LabObservation& seen) {
    Step step{.lab = lab.name,
              .kind = StepKind::publish_export,
              .title = fmt::format("export {} to {}", site.directory_of(lab.name),
                                   fmt::join(lab.settings.clients, ", "))};
    if (seen.exported) return step;
    const auto served = served_by(lab, seen);
    step.change = seen.export_present ? Change::change : Change::create;
    if (seen.export_present) step.detail = "the server has it otherwise: " + served.words;
    // The server alone has lost it, by a start during which the lab's filesystem said nothing, say.
    if (seen.export_on_file && !served.further) return step;
    step.deviations.push_back({"export", seen.export_present ? served.words : "missing",
                               fmt::format("to {}", fmt::join(lab.settings.clients, ", ")), false});
    return step;
}

void name_former_clients(const std::optional<Lab>& now, const Lab& wanted, std::vector<Step>& steps) {
    if (!now || now->settings.clients == wanted.settings.clients) return;
    for (auto& step : steps)
        if (step.kind == StepKind::publish_export && step.change == Change::change)
            step.detail = fmt::format("was to {}", fmt::join(now->settings.clients, ", "));
}

void hide_former_export(std::vector<Step>& steps) {
    for (auto& step : steps)
        if (step.kind == StepKind::publish_export && step.change == Change::change) step.detail.clear();
}

}  // namespace stowage::controller
