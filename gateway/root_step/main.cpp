// stowage-root-step: root, does one admitted step, answers and exits; after a look at a lab, other looks
// until the supervisor has none left. Runs in: root_step. Distrusts: the request, although the supervisor
// admitted it.
#include <signal.h>

#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/base/step_rules.hpp"
#include "gateway/root_step/privileges.hpp"
#include "gateway/root_step/steps.hpp"

namespace {

using namespace stowage;

struct Asked {
    message::StepRequest request;
    Config config;
};

Result<Asked> receive_request() {
    TRY(auto packet, ipc::receive(ipc::supervisor_fd));
    TRY(const auto request, packet.as<message::StepRequest>());
    if (packet.fds.size() != 1) return Error{Code::protocol, "a step request without the configuration"};
    TRY(const auto text, read_sealed(packet.fds[0]));
    TRY(const auto values, values_from_text(text));
    TRY(auto config, parse_config(values));
    CHECK(check_step(request, config));
    return Asked{request, std::move(config)};
}

/// Whether another one may be done by the same process: a look gives nothing away that the next one needs.
bool looks(const message::StepRequest& request) {
    return request.step == message::Step::observe_lab;
}

/// The step, with its rights and no others from then on.
Result<Asked> begin() {
    TRY(auto asked, receive_request());
    log::start("root_step", asked.config.log_level);
    CHECK(root_step::keep_only_what_it_needs(asked.request.step));
    return asked;
}

Result<message::LabObservation> do_next(const ipc::Packet& packet, const Config& config,
                                        root_step::LeftToNext& left) {
    TRY(const auto request, packet.as<message::StepRequest>());
    if (!looks(request) || !packet.fds.empty())
        return Error{Code::protocol, "after a look, something else than a look"};
    CHECK(check_step(request, config));
    return root_step::perform(request, config, left);
}

message::StepReply reply_with(const Result<message::LabObservation>& result) {
    message::StepReply reply;
    if (result) {
        reply.observation = *result;
        return reply;
    }
    const auto error = result.error();
    reply.code = static_cast<std::uint16_t>(error.code);
    reply.what.assign_cut(error.what);
    reply.remedy.assign_cut(error.remedy);
    return reply;
}

Result<void> answer(const Result<message::LabObservation>& result) {
    return ipc::send(ipc::supervisor_fd, reply_with(result));
}

Result<void> serve() {
    const auto asked = begin();
    if (!asked) return answer(asked.error());
    root_step::LeftToNext left;
    CHECK(answer(root_step::perform(asked->request, asked->config, left)));
    while (looks(asked->request)) {
        const auto packet = ipc::receive(ipc::supervisor_fd);
        if (!packet && packet.error().code == Code::cancelled) break;
        if (!packet) return packet.error();
        CHECK(answer(do_next(*packet, asked->config, left)));
    }
    return {};
}

}  // namespace

int main() {
    privileges::harden();
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    log::start("root_step", log::Level::info);
    try {
        return serve() ? 0 : 1;
    } catch (const std::exception& failure) {
        (void)ipc::send(ipc::supervisor_fd, reply_with(Error{Code::internal, failure.what()}));
        return 1;
    }
}
