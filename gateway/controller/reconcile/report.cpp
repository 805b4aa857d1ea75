// Reports as log lines.
// Runs in: controller.
#include "gateway/controller/reconcile/report.hpp"

#include "gateway/base/log.hpp"

namespace stowage::controller {

std::string_view to_string(Progress progress) {
    switch (progress) {
        case Progress::start:
            return "start";
        case Progress::done:
            return "done";
        case Progress::failed:
            return "failed";
        case Progress::unchanged:
            return "unchanged";
        case Progress::retry:
            return "retry";
    }
    return "unknown";
}

void log_report(const StepReport& report) {
    if (report.state == Progress::start || report.state == Progress::unchanged) return;
    log::write(report.state == Progress::done ? log::Level::info : log::Level::warning, "step",
               {{"lab", report.lab},
                {"step", report.step},
                {"result", to_string(report.state)},
                {"ms", report.ms},
                {"detail", report.error ? report.error->text() : report.detail}});
}

}  // namespace stowage::controller
