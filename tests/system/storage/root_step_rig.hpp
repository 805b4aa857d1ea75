// A real stowage-root-step; the rig plays the supervisor, on a filesystem of the test's own.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>

#include "gateway/base/ipc.hpp"
#include "tests/system/storage/filesystem_rig.hpp"

namespace stowage::storage {

/// A running root_step with its request in its hands.
class RunningStep {
  public:
    RunningStep(pid_t pid, Fd channel) : pid_(pid), channel_(std::move(channel)) {}
    RunningStep(RunningStep&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)) {}
    RunningStep& operator=(RunningStep&&) = delete;
    ~RunningStep();

    pid_t pid() const { return pid_; }
    /// Somebody else has waited for it.
    void has_ended() { pid_ = -1; }
    /// True if the reply, or the end of the process, comes within this time.
    bool answers_within(int milliseconds) const;
    /// The reply to a look, after which it is asked for something else.
    Result<message::StepReply> reply_and_ask(const message::StepRequest& next);
    /// The reply; the process has exited 0 then. Fails the test when none comes within a minute.
    Result<message::StepReply> reply();

  private:
    pid_t pid_;
    Fd channel_;
};

class RootStepRig : public FilesystemRig {
  protected:
    void SetUp() override;

    message::StepRequest request(message::Step step, const std::string& lab = "lab1") const;
    message::StepRequest password_request(message::Step step, const std::string& user) const;

    RunningStep start(const message::StepRequest& request) const;
    /// The step, done; its error as a Result.
    Result<message::LabObservation> perform(const message::StepRequest& request) const;
    Result<message::LabObservation> perform(message::Step step, const std::string& lab = "lab1") const {
        return perform(request(step, lab));
    }
    /// Runs the step under ptrace(2) and kills it at the entry of its n-th system call (from 1) that changes
    /// something: that call is not done any more. False if it came to its end before.
    bool killed_before_change(const message::StepRequest& request, int n) const;
    /// `prepare(i)` gives the i-th request; killed before its 1st, 2nd, … change and then done once more,
    /// each time `check(i)`. Ends with the first that was not killed.
    /// @return how often it was killed
    int walk(const std::function<message::StepRequest(int)>& prepare, const std::function<void(int)>& check);

    std::map<std::string, std::string> settings_;
    std::string passwords_;
};

}  // namespace stowage::storage
