// The words of steps, and which depends on which.
// Runs in: controller.
#include "gateway/controller/plan/step.hpp"

#include <algorithm>

namespace stowage::controller {

std::string_view to_string(StepKind kind) {
    switch (kind) {
        case StepKind::make_directory:
            return "make_directory";
        case StepKind::set_quota:
            return "set_quota";
        case StepKind::publish_export:
            return "publish_export";
        case StepKind::serve_ftps:
            return "serve_ftps";
        case StepKind::check_mount:
            return "check_mount";
        case StepKind::register_data_source:
            return "register_data_source";
        case StepKind::unregister_data_source:
            return "unregister_data_source";
        case StepKind::withdraw_ftps:
            return "withdraw_ftps";
        case StepKind::remove_account:
            return "remove_account";
        case StepKind::withdraw_export:
            return "withdraw_export";
        case StepKind::purge_directory:
            return "purge_directory";
        case StepKind::forget_lab:
            return "forget_lab";
    }
    return "unknown";
}

std::string_view to_string(Change change) {
    switch (change) {
        case Change::unchanged:
            return "unchanged";
        case Change::create:
            return "create";
        case Change::change:
            return "change";
        case Change::adopt:
            return "adopt";
        case Change::remove:
            return "remove";
        case Change::differs:
            return "differs";
    }
    return "unknown";
}

bool depends_on(StepKind later, StepKind failed) {
    // Of another scope, it holds the name.
    if (failed == StepKind::unregister_data_source && later == StepKind::register_data_source) return true;
    if (later <= failed) return false;
    // Out: each step may come only when the one before is done.
    if (failed >= StepKind::unregister_data_source) return true;
    switch (failed) {
        case StepKind::make_directory:
        case StepKind::set_quota:
            return true;
        case StepKind::publish_export:
            return later != StepKind::serve_ftps;
        default:
            return false;
    }
}

bool depends_on(const Step& later, const Step& failed) {
    if (!depends_on(later.kind, failed.kind)) return false;
    const bool is_anothers =
        std::any_of(failed.deviations.begin(), failed.deviations.end(),
                    [](const Deviation& deviation) { return deviation.what == "owner"; });
    if (failed.change != Change::change || is_anothers) return true;
    const bool changes_access = later.change == Change::change && (later.kind == StepKind::publish_export ||
                                                                   later.kind == StepKind::serve_ftps);
    return later.kind != StepKind::set_quota && !changes_access;
}

}  // namespace stowage::controller
