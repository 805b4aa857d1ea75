// What every part of the controller shares.
// Runs in: controller.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "gateway/base/config.hpp"
#include "gateway/controller/plan/plan.hpp"
#include "gateway/controller/reconcile/registry.hpp"
#include "gateway/controller/reconcile/supervisor_link.hpp"
#include "gateway/controller/reconcile/turns.hpp"
#include "gateway/controller/site/sealed_secrets.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

/// What a lab was last seen to be. For showing, never for deciding.
struct Seen {
    std::optional<message::LabObservation> storage = {};
    ObservedRegistration registration = NoRunai{};
    std::int64_t at = 0;
    bool labs_were_made = false;  ///< when this look began: one that is made meanwhile puts our mark there
};

/// When a lab is looked at again by itself.
struct Due {
    std::chrono::steady_clock::time_point at = {};
    unsigned failures = 0;  ///< passes in a row after which it was not ready
    bool under_way = false;
};

/// How far Run:ai has gone from the site that was applied last.
struct SiteDrift {
    struct Line {
        std::string what, why;   ///< "change department lab1", "over quota of prod: wanted off, found on"
        std::int64_t since = 0;  ///< when it was first seen to be so
    };
    std::int64_t at = 0;  ///< 0: nobody has looked
    std::int64_t pending = 0;
    std::vector<Line> lines = {};                                 ///< the first of them
    std::map<std::string, std::int64_t, std::less<>> since = {};  ///< of each that is pending, by what it is
    std::string error = {};  ///< why it could not be looked at the last time
    std::int64_t error_since = 0;
};

/// Labs whose tree may be read at the same time.
inline constexpr unsigned walks_at_once = 4;

struct Context {
    Context(boost::asio::any_io_executor executor_, const Config& config_, State& state_,
            SupervisorLink& supervisor_, Registry& registry_);

    boost::asio::any_io_executor executor;
    const Config& config;
    Site site;
    UidRange uids;
    State& state;
    SupervisorLink& supervisor;
    Registry& registry;
    SealedSecrets secrets;
    SiteDrift drift = {};
    Turns labs;  ///< one run per lab on this node
    Turns
        registrations;  ///< one per lab in Run:ai, which may take long to say nothing: the lab's turn is free
    Turns users;        ///< one change per user
    Turns storage;      ///< key "": so many labs at once may have root steps under way
    Turns shutting;     ///< key "": so many at once may shut former clients out, before they have a place
    Turns walks;        ///< key "": so many at once may have their tree read; those have none in `storage`
    std::map<std::string, Seen, std::less<>> seen;
    std::map<std::string, Due, std::less<>> due;
    boost::asio::steady_timer due_changed;   ///< cancelled to have `due` looked at
    boost::asio::steady_timer site_changed;  ///< cancelled to have Run:ai looked at, see look_at_site_soon()
    bool site_look_asked = false;
    std::int64_t started_at = now_seconds();
    std::string boot;  ///< the kernel's boot_id

    /// No step begins any more; the process ends when the last Work does.
    bool draining = false;
    unsigned works = 0;
    std::function<void()> on_idle = [] {};
};

/// Somebody is at work: a drain waits for the end of it.
class Work {
  public:
    explicit Work(Context& context) : context_(context) { ++context_.works; }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() {
        if (--context_.works == 0 && context_.draining) context_.on_idle();
    }

  private:
    Context& context_;
};

/// The site as the configuration describes it.
Site site_from(const Config& config);

/// With what its filesystem is told by.
message::StepRequest request_to_look(const Context& context, const Lab& lab);

/// Reads the lab's directory, quota, usage and export, and remembers them in `seen`.
boost::asio::awaitable<Result<message::LabObservation>> observe_lab(Context& context, Lab lab);

/// What was seen, with what only the controller knows.
ObservedStorage with_what_is_known(const Context& context, const Lab& lab,
                                   const message::LabObservation& seen);

/// As observe_lab(), for showing: comes back after a few seconds even when the filesystem hangs; `seen` is
/// then as it was.
boost::asio::awaitable<void> look_again(Context& context, Lab lab);

}  // namespace stowage::controller
