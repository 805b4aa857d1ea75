// The steps that need root, each done once and idempotent.
// Runs in: root_step. Distrusts: the request, which was checked twice before it comes here.
#pragma once

#include <chrono>
#include <optional>

#include "gateway/base/config.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/base/result.hpp"
#include "nfs/exports/exporter.hpp"

namespace stowage::root_step {

/// What one look at a lab leaves to the next: the way to the NFS server, for some seconds.
struct LeftToNext {
    std::optional<nfs::Exporter> exporter = {};
    std::chrono::steady_clock::time_point since = {};
};

/// Does the step and blocks until it is done. The observation is filled by looks alone: by observe_lab
/// whole, by observe_quota with what counts and limits.
Result<message::LabObservation> perform(const message::StepRequest& request, const Config& config,
                                        LeftToNext& left);

}  // namespace stowage::root_step
