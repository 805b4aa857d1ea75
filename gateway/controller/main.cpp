// stowage-controller: what should be there, what is there, and the way from one to the other.
// Runs in: controller. Distrusts: the control socket's clients, Run:ai, the NFS server, the disk under the
// database.
#include <linux/capability.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/base/uid_range.hpp"
#include "gateway/controller/control/control_socket.hpp"
#include "gateway/controller/control/site_watch.hpp"
#include "gateway/controller/reconcile/accounts.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/reconcile/schedule.hpp"
#include "gateway/controller/system_calls.hpp"

namespace {

using namespace stowage;
using namespace stowage::controller;
namespace asio = boost::asio;

// At start the supervisor is told of every lab and account at once, and it is not one to hang.
constexpr std::size_t most_told = 200'000;
constexpr int exit_config = 78;  // EX_CONFIG: starting again changes nothing

struct Introduction {
    message::StartController start;
    Config config;
    Fd listener;
    Secret client_secret;
};

Introduction receive_introduction() {
    auto packet = or_throw(ipc::receive(ipc::supervisor_fd));
    const auto start = or_throw(packet.as<message::StartController>());
    if (packet.fds.size() < 2 || packet.fds.size() > 3)
        throw Fatal({Code::protocol, "StartController without configuration and control socket"});
    auto config = or_throw(parse_config(or_throw(values_from_text(or_throw(read_sealed(packet.fds[0]))))));
    Secret secret;
    if (packet.fds.size() == 3) {
        auto text = or_throw(read_sealed(packet.fds[2]));
        secret = Secret(text);
        explicit_bzero(text.data(), text.size());
    }
    return {start, std::move(config), std::move(packet.fds[1]), std::move(secret)};
}

/// A kernel nfsd answers the mount check only when it comes from a port below 1024.
void narrow(const message::StartController& start) {
    or_throw(privileges::become(start.uid, start.gid, {CAP_NET_BIND_SERVICE}));
    or_throw(privileges::allow_only(system_calls()));
}

asio::awaitable<void> end_after(asio::io_context& io, std::chrono::seconds limit) {
    asio::steady_timer timer(io, limit);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    io.stop();
}

/// No step begins any more; the process ends when the one under way has, or at the limit.
void drain(asio::io_context& io, Context& context, std::chrono::seconds limit) {
    log::info("drain", {{"works", context.works}, {"limit_s", limit.count()}});
    context.draining = true;
    context.due_changed.cancel();
    if (context.works == 0) return io.stop();
    context.on_idle = [&io] { io.stop(); };
    asio::co_spawn(io, end_after(io, limit), rethrow);
}

/// Ends the process when the supervisor is gone.
asio::awaitable<void> follow_supervisor(asio::io_context& io, Context& context) {
    std::function<void(std::chrono::seconds)> on_drain = [&](std::chrono::seconds limit) {
        drain(io, context, limit);
    };
    co_await context.supervisor.run(std::move(on_drain));
    io.stop();
}

int exit_code(const Error& error) {
    const bool lasting =
        error.code == Code::config || error.code == Code::in_use || error.code == Code::denied;
    return lasting ? exit_config : 1;
}

[[noreturn]] void fail(const char* why, int code) {
    log::error("controller_failed", {{"why", why}});
    std::_Exit(code);
}

/// Suspended coroutines lie in the io_context and point into the Context, so neither can be destroyed first:
/// whatever happens, the process ends here.
[[noreturn]] void run_to_the_end(asio::io_context& io) {
    try {
        io.run();
    } catch (const Fatal& error) {
        fail(error.what(), exit_code(error.error()));
    } catch (const std::exception& error) {
        fail(error.what(), 1);
    }
    std::_Exit(0);
}

[[noreturn]] void serve() {
    privileges::harden();
    for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP})
        (void)::signal(number, SIG_IGN);
    auto given = receive_introduction();
    log::start("controller", given.config.log_level);
    narrow(given.start);
    auto state = or_throw(State::open(given.config.state_dir + "/controller"));
    for (const auto& lab : state.labs())
        or_throw(check_uid_range(lab.name, lab.uid, given.config.labs.uid_min, given.config.labs.uid_max));

    asio::io_context io(1);
    SupervisorLink supervisor(io.get_executor(),
                              ipc::Channel(io.get_executor(), Fd(ipc::supervisor_fd), most_told));
    const auto registry =
        or_throw(Registry::make(io.get_executor(), given.config, std::move(given.client_secret)));
    Context context(io.get_executor(), given.config, state, supervisor, *registry);
    const message::Ready ready;
    supervisor.say(ready);
    tell_everything(context);
    asio::co_spawn(io, follow_supervisor(io, context), rethrow);
    asio::co_spawn(io, serve_control_socket(context, std::move(given.listener), given.start.admin_gid),
                   rethrow);
    asio::co_spawn(io, supervisor.keep_in_touch(), rethrow);
    asio::co_spawn(io, keep_accounts(context), rethrow);
    asio::co_spawn(io, keep_labs(context), rethrow);
    asio::co_spawn(io, watch_site(context), rethrow);
    run_to_the_end(io);
}

}  // namespace

int main() {
    try {
        serve();
    } catch (const Fatal& error) {
        fail(error.what(), exit_code(error.error()));
    } catch (const std::exception& error) {
        fail(error.what(), 1);
    }
}
