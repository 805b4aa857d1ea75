// stowage-root-step: root, does one admitted step, answers and exits.
// Runs in: root_step. Distrusts: the request, although the supervisor admitted it.
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

Result<message::LabObservation> do_step() {
    TRY(const auto asked, receive_request());
    log::start("root_step", asked.config.log_level);
    CHECK(root_step::keep_only_what_it_needs(asked.request.step));
    return root_step::perform(asked.request, asked.config);
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

}  // namespace

int main() {
    privileges::harden();
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    log::start("root_step", log::Level::info);
    try {
        const auto reply = reply_with(do_step());
        return ipc::send(ipc::supervisor_fd, reply) ? 0 : 1;
    } catch (const std::exception& failure) {
        (void)ipc::send(ipc::supervisor_fd, reply_with(Error{Code::internal, failure.what()}));
        return 1;
    }
}
