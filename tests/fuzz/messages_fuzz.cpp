// libFuzzer: any bytes as packets between processes: what a front, worker or controller that was taken over
// can send to the supervisor, and the supervisor's answers.
// Planted, and found within a second: a packet shorter than its header, after some 900 inputs; a login
// without a user, after 12,000.
#include <sys/socket.h>

#include "gateway/base/identity.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/logins.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/base/messages/workers.hpp"
#include "gateway/base/step_rules.hpp"
#include "gateway/supervisor/admission.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using fuzz::demand;

namespace {

template <std::size_t N>
void read_text(const message::Text<N>& text) {
    demand(text.view().size() <= N);
    (void)log::escaped(text.str());
}

/// As the receiver of an M takes it: by type and size only, then each text by its own length.
template <typename M, typename... Texts>
void read_as(const ipc::Packet& packet, Texts... texts) {
    const auto m = packet.as<M>();
    if (!m) return;
    demand(packet.header.type == M::type && packet.body.size() == sizeof(M));
    (read_text((*m).*texts), ...);
}

void read_logins(const ipc::Packet& packet) {
    using namespace message;
    if (const auto login = packet.as<LoginRequest>()) {
        if (supervisor::check_login(*login)) {
            demand(!login->user.view().empty() && login->password.view().size() == login->password.size);
            demand(!client_network(login->peer.view()).empty());
        }
        read_text(login->client);
    }
    read_as<ClientVerified>(packet, &ClientVerified::text);
    read_as<LoginReply>(packet, &LoginReply::lab, &LoginReply::text);
    read_as<SessionStart>(packet, &SessionStart::user, &SessionStart::peer, &SessionStart::client);
    read_as<LoginAttempt>(packet, &LoginAttempt::user, &LoginAttempt::password, &LoginAttempt::pam_service);
    read_as<LoginResult>(packet, &LoginResult::reason);
    if (const auto activity = packet.as<Activity>()) {
        read_text(activity->doing.verb);
        read_text(activity->doing.path);
        read_text(activity->doing.client);
    }
}

void read_steps(const ipc::Packet& packet) {
    using namespace message;
    static const Config config = [] {
        Config made;
        made.labs.uid_min = 2'000'000'000;
        made.labs.uid_max = 2'000'999'999;
        return made;
    }();
    if (const auto step = packet.as<StepRequest>(); step && check_step(*step, config)) {
        demand(!name_of(step->step).empty());
        demand(step->lab.size == 0 || parse_lab_name(step->lab.view()));
        demand(step->user.size == 0 || parse_user_name(step->user.view()));
        demand(step->password_hash.view().find_first_of(":\n") == std::string_view::npos);
    }
    read_as<StepReply>(packet, &StepReply::what, &StepReply::remedy);
    read_as<PutLab>(packet, &PutLab::lab);
    read_as<PutAccount>(packet, &PutAccount::user, &PutAccount::lab);
    read_as<StatusEntry>(packet, &StatusEntry::process, &StatusEntry::lab);
    read_as<BanEntry>(packet, &BanEntry::network, &BanEntry::user);
    read_as<ClearBans>(packet, &ClearBans::network);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto pair = ipc::make_pair().value();
    if (size == 0 || size > message::max_packet_bytes + 100) return 0;  // an empty packet is the end
    demand(::send(pair.first.get(), data, size, 0) == static_cast<ssize_t>(size));
    const auto packet = ipc::receive(pair.second.get());
    const bool fits =
        size >= sizeof(message::Header) && size <= sizeof(message::Header) + message::max_packet_bytes;
    demand(packet.has_value() == fits);
    if (!packet) return 0;
    using supervisor::Peer;
    for (const auto peer : {Peer::front, Peer::worker, Peer::controller, Peer::nfs_server})
        demand(!supervisor::may_send(peer, packet->header.type, true) ||
               !supervisor::may_send(peer, packet->header.type, false));
    read_logins(*packet);
    read_steps(*packet);
    return 0;
}
