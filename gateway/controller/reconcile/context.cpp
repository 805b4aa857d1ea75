// The shared parts, put together from the configuration.
// Runs in: controller.
#include "gateway/controller/reconcile/context.hpp"

#include <unistd.h>
#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <climits>

#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace {

constexpr unsigned labs_with_steps_at_once = 4;
constexpr std::chrono::seconds look_limit(5);

boost::asio::awaitable<void> observe_then_call(Context& context, Lab lab,
                                               std::shared_ptr<boost::asio::steady_timer> caller) {
    (void)co_await observe_lab(context, std::move(lab));
    caller->cancel();
}

std::string host_name() {
    char name[HOST_NAME_MAX + 1] = {};
    if (::gethostname(name, sizeof name - 1) != 0)
        throw Fatal({Code::config, "this host has no name", "set nfs.address"});
    return name;
}

}  // namespace

Site site_from(const Config& config) {
    return {config.labs.root,
            config.labs.uid_min,
            config.labs.uid_max,
            config.nfs.address.empty() ? host_name() : config.nfs.address,
            config.runai.container_path,
            config.ftps.durability,
            config.ftps.data_tls_resumption};
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
      users(executor_, 1),
      storage(executor_, labs_with_steps_at_once),
      due_changed(executor_) {}

boost::asio::awaitable<Result<message::LabObservation>> observe_lab(Context& context, Lab lab) {
    const auto request = request_for(lab, message::Step::observe_lab);
    auto observed = co_await context.supervisor.step(request);
    if (observed && context.state.lab(lab.name)) {
        auto& seen = context.seen[lab.name];
        seen.storage = *observed;
        seen.at = now_seconds();
    }
    co_return observed;
}

ObservedStorage with_what_is_known(const Context& context, const Lab& lab,
                                   const message::LabObservation& seen) {
    ObservedStorage observed{seen};
    const auto served = context.supervisor.served().find(lab.name);
    if (served != context.supervisor.served().end()) observed.served = served->second;
    observed.verified = context.state.status(lab.name).verified_at > 0;
    const auto labs = context.state.labs();
    observed.labs_were_made = std::any_of(
        labs.begin(), labs.end(), [](const Lab& other) { return other.directory == DirectoryPhase::made; });
    return observed;
}

boost::asio::awaitable<void> look_again(Context& context, Lab lab) {
    const auto wait = std::make_shared<boost::asio::steady_timer>(context.executor, look_limit);
    boost::asio::co_spawn(context.executor, observe_then_call(context, std::move(lab), wait), rethrow);
    boost::system::error_code ignored;
    co_await wait->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace stowage::controller
