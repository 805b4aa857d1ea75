// The shared parts, put together from the configuration.
// Runs in: controller.
#include "gateway/controller/reconcile/context.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/base/node_name.hpp"
#include "gateway/controller/plan/quota_warning.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/state/boot.hpp"

namespace stowage::controller {

namespace {

constexpr unsigned labs_with_steps_at_once = 4;
constexpr std::chrono::seconds look_limit(5);

boost::asio::awaitable<void> observe_then_call(Context& context, Lab lab,
                                               std::shared_ptr<boost::asio::steady_timer> caller) {
    (void)co_await observe_lab(context, std::move(lab));
    caller->cancel();
}

/// Once for each crossing of 80, 90 and 95 %, also over restarts.
void warn_when_nearly_full(Context& context, const std::string& lab, const message::LabObservation& seen) {
    const int percent = percent_used(seen), before = context.state.quota_warned(lab),
              level = next_warning(before, percent);
    // One that cannot be written down is told again: better than not at all.
    (void)context.state.set_quota_warned(lab, level);
    if (level <= before) return;
    log::warning("quota_nearly_full", {{"lab", lab},
                                       {"percent", percent},
                                       {"level", level},
                                       {"used_bytes", seen.used_bytes},
                                       {"limit_bytes", seen.quota_bytes},
                                       {"used_inodes", seen.used_inodes},
                                       {"limit_inodes", seen.quota_inodes}});
}

}  // namespace

Site site_from(const Config& config) {
    return {config.labs.root,
            config.labs.uid_min,
            config.labs.uid_max,
            or_throw(nfs_address(config)),
            config.runai.container_path,
            config.ftps.durability,
            config.ftps.data_tls_resumption,
            config.labs.quota_backend,
            config.nfs.server};
}

Context::Context(boost::asio::any_io_executor executor_, const Config& config_, State& state_,
                 SupervisorLink& supervisor_, Registry& registry_)
    : executor(executor_),
      config(config_),
      site(site_from(config_)),
      uids{config_.labs.uid_min, config_.labs.uid_max},
      state(state_),
      supervisor(supervisor_),
      registry(registry_),
      secrets(config_.state_dir + "/controller"),
      labs(executor_, 1),
      registrations(executor_, 1),
      users(executor_, 1),
      storage(executor_, labs_with_steps_at_once),
      shutting(executor_, labs_with_steps_at_once),
      walks(executor_, walks_at_once),
      due_changed(executor_),
      site_changed(executor_),
      boot(boot_id()) {}

message::StepRequest request_to_look(const Context& context, const Lab& lab) {
    auto request = request_for(lab, message::Step::observe_lab);
    const auto root = context.state.labs_root();
    request.labs_root = root.id;
    request.labs_root_known = root.known;
    return request;
}

boost::asio::awaitable<Result<message::LabObservation>> observe_lab(Context& context, Lab lab) {
    const auto request = request_to_look(context, lab);
    const bool made_before = context.state.labs_were_made();
    auto observed = co_await context.supervisor.step(request);
    if (observed && context.state.lab(lab.name)) {
        auto& seen = context.seen[lab.name];
        seen.storage = *observed;
        seen.at = now_seconds();
        seen.labs_were_made = made_before;
        // Not written down, it is written after the next look.
        if (observed->root_marked && request.labs_root == context.state.labs_root().id)
            (void)context.state.set_labs_root_known();
        warn_when_nearly_full(context, lab.name, *observed);
    }
    co_return observed;
}

ObservedStorage with_what_is_known(const Context& context, const Lab& lab,
                                   const message::LabObservation& seen) {
    ObservedStorage observed{seen};
    const auto served = context.supervisor.served().find(lab.name);
    if (served != context.supervisor.served().end()) observed.served = served->second;
    observed.verified = context.state.status(lab.name).verified_at > 0;
    observed.is_mark_known = context.state.labs_root().known;
    const auto look = context.seen.find(lab.name);
    observed.labs_were_made =
        look != context.seen.end() ? look->second.labs_were_made : context.state.labs_were_made();
    return observed;
}

boost::asio::awaitable<void> look_again(Context& context, Lab lab) {
    const auto wait = std::make_shared<boost::asio::steady_timer>(context.executor, look_limit);
    boost::asio::co_spawn(context.executor, observe_then_call(context, std::move(lab), wait), rethrow);
    boost::system::error_code ignored;
    co_await wait->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace stowage::controller
