// Steps that the tests' supervisor refuses, and walks that end when a test says so.
// Runs in: system tests of the controller.
#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {

void ControllerRun::refuse(message::Step step) {
    const std::lock_guard lock(mutex_);
    refused_.insert(step);
}

void ControllerRun::make_walk(const std::string& lab) {
    const std::lock_guard lock(mutex_);
    to_walk_.insert(lab);
}

bool ControllerRun::keep_walking(const message::StepRequest& request, std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    if (request.step != message::Step::set_quota || !to_walk_.contains(request.lab.str())) return false;
    walks_[request.lab.str()] = id;
    return true;
}

void ControllerRun::end_walks() {
    const std::lock_guard lock(mutex_);
    for (const auto& [lab, id] : walks_) {
        to_walk_.erase(lab);
        (void)ipc::send(channel_.get(), message::StepReply{}, {}, id);
    }
    walks_.clear();
}

void ControllerRun::stop_walk(const std::string& lab) {
    const std::lock_guard lock(mutex_);
    const auto walk = walks_.find(lab);
    if (walk == walks_.end()) return;
    message::StepReply stopped;
    stopped.code = static_cast<std::uint16_t>(Code::cancelled);
    stopped.what.assign_cut("ended for a newer request, which goes on with it");
    (void)ipc::send(channel_.get(), stopped, {}, walk->second);
    walks_.erase(walk);
}

std::size_t ControllerRun::walks() const {
    const std::lock_guard lock(mutex_);
    return walks_.size();
}

message::StepReply ControllerRun::as_said(const message::StepRequest& request,
                                          message::StepReply reply) const {
    const std::lock_guard lock(mutex_);
    if (request.step != message::Step::observe_lab || !to_walk_.contains(request.lab.str())) return reply;
    auto& seen = reply.observation;
    seen.quota_backend = message::QuotaBackend::xfs;
    seen.quota_bytes = request.quota_bytes;
    seen.quota_inodes = request.quota_inodes;
    seen.project_offer = request.uid;
    seen.project_id = request.project_id;
    return reply;
}

}  // namespace stowage::controller::testing
