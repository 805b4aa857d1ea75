// A real controller under a supervisor that tests can make kill it: real root steps, a real NFS-Ganesha, the
// Run:ai stand-in. Runs in: system tests of the controller, as root.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/steps.hpp"
#include "tests/system/controller/http_call.hpp"
#include "tests/system/nfs/ganesha_run.hpp"

namespace stowage::controller::testing {

/// Empty, or why this machine cannot run these tests.
std::string reason_to_skip();

/// Before the step is done, or after, when its answer is still to be sent.
enum class Moment { before, after };

class ControllerRun {
  public:
    static constexpr uid_t controller_uid = 699999;
    static constexpr gid_t admin_gid = 699998;

    explicit ControllerRun(std::map<std::string, std::string> settings = {});
    ~ControllerRun();
    ControllerRun(const ControllerRun&) = delete;
    ControllerRun& operator=(const ControllerRun&) = delete;

    /// Begins to start the controller again and again, whenever it ends.
    void start();
    /// Lets it drain; its exit status.
    int stop();
    /// For the next start.
    void change_setting(const std::string& key, const std::string& value);
    /// One that is not watched: runs to its end. Its exit status.
    int run_another();

    HttpAnswer call(const std::string& method, const std::string& target, const std::string& body = "") const;
    boost::json::value lab(const std::string& name) const;
    /// Waits until the lab is in this state; false after 30 seconds.
    bool reaches(const std::string& lab, const std::string& state) const;
    bool goes_away(const std::string& lab) const;

    void add_department(const std::string& name) const;
    HttpAnswer stand_in(const std::string& method, const std::string& what,
                        const std::string& body = "") const;
    std::size_t data_sources_named(const std::string& name) const;
    std::size_t requests_of(const std::string& operation) const;

    /// kill -9 at the nth changing step from now on.
    void kill_at(unsigned nth, Moment moment);
    /// Takes that back; true if it has happened.
    bool disarm();
    void kill_now() const;
    /// Changing steps that were asked for since the last call.
    std::vector<std::string> take_steps();
    /// From now on such steps fail, and nothing is done.
    void refuse(message::Step step);
    /// The lab's quota is said to count by a project, which not all that it holds has. Its next set_quota is
    /// a walk: it does not end before end_walks() or a stop of it.
    void make_walk(const std::string& lab);
    void end_walks();
    std::size_t walks() const;
    unsigned starts() const { return starts_; }
    /// Ends that we did not bring about.
    unsigned unexpected_ends() const { return unexpected_ends_; }
    std::optional<message::PutLab> served(const std::string& lab) const;
    std::map<std::string, std::string> accounts() const;
    bool all_told() const { return all_told_; }

    const Config& config() const { return config_; }
    std::string socket_path() const { return config_.run_dir + "/control.sock"; }
    std::string database() const { return config_.state_dir + "/controller/stowage.db"; }
    std::string password_file_text() const;
    pid_t pid() const { return pid_; }

  private:
    void listen();
    void start_stand_in();
    pid_t spawn_controller(Fd& channel) const;
    void supervise();
    void serve_one_run();
    void take(const ipc::Packet& packet);
    void do_step(const ipc::Packet& packet);
    bool keep_walking(const message::StepRequest& request, std::uint32_t id);
    void stop_walk(const std::string& lab);
    message::StepReply root_step(const message::StepRequest& request) const;
    message::StepReply as_said(const message::StepRequest& request, message::StepReply reply) const;

    nfs::testing::GaneshaRun nfs_;
    Config config_;
    ConfigValues values_;
    std::string config_text_;
    Fd listener_, stop_event_;
    pid_t stand_in_ = -1;
    std::uint16_t stand_in_port_ = 0;

    std::thread supervisor_;
    std::atomic<pid_t> pid_{-1};
    std::atomic<bool> stopping_{false}, all_told_{false};
    std::atomic<unsigned> starts_{0}, unexpected_ends_{0};
    std::atomic<int> last_status_{0};
    mutable std::mutex mutex_;  // guards what follows
    Fd channel_;
    unsigned steps_to_kill_ = 0;  ///< 0: no kill is wanted
    bool struck_ = false;
    Moment moment_ = Moment::before;
    std::vector<std::string> steps_;
    std::set<message::Step> refused_;
    std::set<std::string> to_walk_;               ///< labs whose tree is not said to be whole
    std::map<std::string, std::uint32_t> walks_;  ///< ids of requests that are not answered yet, by lab
    std::map<std::string, message::PutLab> served_;
    std::map<std::string, std::string> accounts_;
};

/// True as soon as `condition` is, looked at every 20 ms; false after `seconds`.
bool becomes_true(const std::function<bool()>& condition, int seconds = 30);

}  // namespace stowage::controller::testing
