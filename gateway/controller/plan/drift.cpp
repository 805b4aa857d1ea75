// What somebody else changed about a lab.
// Runs in: controller.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

namespace {

const char* name_of(message::QuotaBackend backend) {
    switch (backend) {
        case message::QuotaBackend::none:
            return "not enforced";
        case message::QuotaBackend::btrfs:
            return "enforced by btrfs";
        case message::QuotaBackend::xfs:
            return "enforced by XFS";
        case message::QuotaBackend::ext4:
            return "enforced by ext4";
        case message::QuotaBackend::cephfs:
            return "enforced by CephFS";
    }
    return "unknown";
}

/// Mounted again without quotas, or the subvolume was replaced: nobody but an administrator can mend that.
bool has_lost_its_quotas(const FoundRight& right, const message::LabObservation& seen) {
    return right.backend != message::QuotaBackend::none &&
           seen.quota_backend == message::QuotaBackend::none && seen.directory_exists;
}

/// Part of a step of which the rest has drifted: a mount that a reboot took is always made again.
bool lacks_its_mount(const Step& step, const std::vector<Drift>& drift) {
    const auto is_drift = [&](const Deviation& one) {
        return std::any_of(drift.begin(), drift.end(), [&](const Drift& other) {
            return other.kind == step.kind && other.deviation.what == one.what;
        });
    };
    return step.kind == StepKind::make_directory && step.change == Change::change &&
           std::any_of(step.deviations.begin(), step.deviations.end(),
                       [&](const Deviation& one) { return !one.lasting && !is_drift(one); });
}

}  // namespace

std::string wanted_form(const Lab& lab, const Site& site) {
    const auto& settings = lab.settings;
    return fmt::format("1 {} {} {} {} {} {} {}", site.directory_of(lab.name), lab.uid, settings.quota_bytes,
                       settings.quota_inodes, fmt::join(settings.clients, ","),
                       static_cast<int>(site.quota_backend), static_cast<int>(site.nfs_server));
}

std::vector<Drift> find_drift(const FoundRight& right, const std::string& wanted, const std::string& boot,
                              const message::LabObservation& seen, const std::vector<Step>& steps) {
    std::vector<Drift> drift;
    if (right.wanted != wanted) return drift;
    const bool rebooted = right.boot != boot;
    for (const auto& step : steps)
        for (const auto& deviation : step.deviations)
            if (deviation.lasting || !rebooted)
                drift.push_back({step.kind, deviation, step.change != Change::differs});
    if (has_lost_its_quotas(right, seen))
        drift.push_back({StepKind::set_quota,
                         {"quota enforcement", name_of(seen.quota_backend), name_of(right.backend)},
                         false});
    return drift;
}

bool looks_for_drift(const FoundRight& right, const std::string& wanted, const message::LabObservation& seen,
                     const std::vector<Step>& steps) {
    const bool is_not_ours = std::any_of(steps.begin(), steps.end(), [](const Step& step) {
        return step.kind == StepKind::make_directory && step.change == Change::differs;
    });
    return right.wanted == wanted && seen.directory_exists && !is_not_ours &&
           !has_lost_its_quotas(right, seen);
}

void leave_alone(std::vector<Step>& steps, const std::vector<Drift>& drift) {
    bool left_any = false;
    for (auto& step : steps) {
        const bool drifted =
            std::any_of(drift.begin(), drift.end(), [&](const Drift& one) { return one.kind == step.kind; });
        if (!drifted || !step.does_something()) continue;
        step.only_mount = lacks_its_mount(step, drift);
        if (!step.only_mount) step.change = Change::unchanged;
        step.detail = (step.only_mount ? "mounted, and else left as it is (labs.drift): "
                                       : "left as it is (labs.drift): ") +
                      step.detail;
        left_any = true;
    }
    // The mount check would only find the same again.
    for (auto& step : steps)
        if (left_any && step.kind == StepKind::check_mount) step.change = Change::unchanged;
}

}  // namespace stowage::controller
