// Serving the controller: accounts, steps, status.
// Runs in: supervisor. Distrusts: the controller, which speaks with Run:ai and parses JSON.
#include "gateway/supervisor/controller_service.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/base/log.hpp"
#include "gateway/base/step_rules.hpp"
#include "gateway/supervisor/steps.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using message::Type;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t max_steps_under_way = 64;

// Not a budget but an end: the replies of Run:ai that it takes are far below, and what passes it is ended
// before the node has no memory left for the workers.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t most_memory = 0;  // their shadow memory is terabytes, of which little is touched
#else
constexpr std::uint64_t most_memory = 2ull << 30;
#endif

// To serve the lab without its CAs would let in whoever has a password. A controller that starts anew tells
// all of it again.
Error not_taken(const message::PutLab& lab) {
    log::error("client_cas_not_taken", {{"lab", lab.lab.view()}, {"why", "too many files are open"}});
    return {Code::unavailable, "no descriptor was left for the CAs of a lab"};
}

}  // namespace

ControllerService::ControllerService(Context& context, Workers& workers, FrontService& front,
                                     const Fd& control_socket, const Fd& runai_secret, Identity identity,
                                     Report report)
    : context_(context),
      workers_(workers),
      front_(front),
      control_socket_(control_socket),
      runai_secret_(runai_secret),
      identity_(identity),
      report_(std::move(report)),
      looks_(context) {}

asio::awaitable<void> ControllerService::run() {
    // Named, not temporaries of the co_await expression: GCC 12 destroys those twice.
    ProcessSpec spec{"controller", context_.executable("stowage-controller")};
    spec.data_bytes = most_memory;
    Serve serve_run = [this](Process& process) { return serve(process); };
    co_await keep_running(context_, status_, std::move(spec), std::move(serve_run));
}

Result<void> ControllerService::introduce(ipc::Channel& channel) {
    TRY(auto fds, runai_secret_ ? duplicates({&context_.sealed_config, &control_socket_, &runai_secret_})
                                : duplicates({&context_.sealed_config, &control_socket_}));
    return channel.send(message::StartController{identity_.uid, identity_.gid, identity_.admin_gid},
                        std::move(fds));
}

asio::awaitable<Error> ControllerService::serve(Process& process) {
    auto& channel = process.channel();
    channel_ = &channel;
    process_ = &process;
    ++run_;
    context_.accounts.begin();
    auto introduced = introduce(channel);
    Error why = introduced ? Error{Code::cancelled, ""} : introduced.error();
    while (introduced) {
        auto packet = co_await receive_admitted(channel, Peer::controller, status_.ready);
        auto handled = packet ? handle(*packet) : Result<void>(packet.error());
        if (!handled) {
            why = handled.error();
            break;
        }
    }
    channel_ = nullptr;
    process_ = nullptr;
    co_return why;
}

Result<void> ControllerService::handle(const ipc::Packet& packet) {
    heard_at_ = steady_clock::now();
    switch (packet.header.type) {
        case Type::ready:
            status_.ready = true;
            context_.changes.tell();
            return {};
        case Type::step_request:
            return begin_step(packet);
        case Type::status_query:
            return report_status(packet.header.id);
        case Type::sessions_query:
            return begin_sessions(packet);
        case Type::end_session:
            return begin_end_session(packet);
        case Type::bans_query:
            return report_bans(packet);
        case Type::clear_bans:
            return clear_bans(packet);
        default:
            return change_accounts(packet);
    }
}

Result<void> ControllerService::change_accounts(const ipc::Packet& packet) {
    auto& accounts = context_.accounts;
    switch (packet.header.type) {
        case Type::put_lab: {
            TRY(const auto m, packet.as<message::PutLab>());
            if (packet.fds_lost) return not_taken(m);
            TRY(const auto lab, accounts.put_lab(m, packet.fds));
            workers_.lab_changed(lab);
            front_.labs_changed();
            return {};
        }
        case Type::remove_lab: {
            TRY(const auto m, packet.as<message::RemoveLab>());
            TRY(const auto lab, accounts.remove_lab(m));
            workers_.end(lab);
            front_.labs_changed();
            return {};
        }
        case Type::put_account: {
            TRY(const auto m, packet.as<message::PutAccount>());
            TRY(const bool moved, accounts.put_account(m));
            if (moved) front_.cut_sessions_of(m.user.view());
            return {};
        }
        case Type::remove_account: {
            TRY(const auto m, packet.as<message::RemoveAccount>());
            CHECK(accounts.remove_account(m));
            front_.cut_sessions_of(m.user.view());
            return {};
        }
        case Type::accounts_complete:
            forget_the_rest();
            return {};
        default:
            return Error{Code::protocol, "a message without a meaning"};
    }
}

// What a controller that has started anew did not name.
void ControllerService::forget_the_rest() {
    const auto gone = context_.accounts.complete();
    for (const auto& user : gone.users)
        front_.cut_sessions_of(user);
    for (const auto& lab : gone.labs)
        workers_.end(lab);
    front_.labs_changed();
}

Result<void> ControllerService::begin_step(const ipc::Packet& packet) {
    TRY(auto request, packet.as<message::StepRequest>());
    CHECK(check_step(request, context_.config));
    const bool only_ends = request.step == message::Step::stop_set_quota;
    if (steps_under_way_ >= max_steps_under_way && !only_ends) {
        // Hung filesystems bring it about, not only a controller that went astray.
        message::StepReply busy;
        busy.code = static_cast<std::uint16_t>(Code::unavailable);
        busy.what.assign_cut(fmt::format("{} steps are under way and do not end", steps_under_way_));
        busy.remedy.assign_cut("look whether the labs' filesystem hangs");
        return channel_->send(busy, {}, packet.header.id);
    }
    ++steps_under_way_;
    asio::co_spawn(context_.io, step(request, packet.header.id, run_), asio::detached);
    return {};
}

asio::awaitable<void> ControllerService::step(message::StepRequest request, std::uint32_t id,
                                              std::uint64_t run) {
    OnEntry forward = [this, id, run](const message::NfsClientEntry& entry) {
        if (run == run_ && channel_) (void)channel_->send(entry, {}, id);
    };
    const bool looks = request.step == message::Step::observe_lab;
    message::StepReply reply;
    if (looks)
        reply = co_await looks_.look(request);
    else if (request.step == message::Step::stop_set_quota)
        stop_set_quota(context_, request.lab.view());
    else
        reply = co_await run_step(context_, request, std::move(forward));
    --steps_under_way_;
    if (request.step == message::Step::set_password && reply.code == 0) {
        context_.accounts.password_set(request.user.view());  // for logins under way
        front_.cut_sessions_of(request.user.view());
    }
    // A controller that was restarted since has other ids, and observes for itself what happened.
    if (run == run_ && channel_) (void)channel_->send(reply, {}, id);
}

Result<void> ControllerService::report_status(std::uint32_t id) {
    for (const auto& entry : report_())
        CHECK(channel_->send(entry, {}, id));
    return channel_->send(message::StatusEnd{}, {}, id);
}

// Before Ready it may be busy with a large database.
steady_clock::duration ControllerService::silence() const {
    return process_ && status_.ready ? steady_clock::now() - heard_at_ : steady_clock::duration::zero();
}

void ControllerService::kill() {
    if (process_) process_->signal(SIGKILL);
}

void ControllerService::drain() {
    if (channel_)
        (void)channel_->send(
            message::Drain{static_cast<std::uint32_t>(context_.config.drain_timeout.count())});
}

}  // namespace stowage::supervisor
