// The tables of admission.
// Runs in: supervisor. Distrusts: front, workers and controller.
#include "gateway/supervisor/admission.hpp"

#include <algorithm>
#include <array>

#include "gateway/base/ip_address.hpp"

namespace stowage::supervisor {

namespace {

using message::Type;

struct Admitted {
    Peer peer;
    Type type;
    bool before_ready;
    bool brings_descriptors = false;
};

constexpr std::array admitted = {
    Admitted{Peer::front, Type::ready, true},
    Admitted{Peer::front, Type::login_request, false},
    Admitted{Peer::front, Type::session_ended, false},
    Admitted{Peer::front, Type::client_verified, false},
    Admitted{Peer::worker, Type::ready, true},
    Admitted{Peer::worker, Type::idle, false},
    Admitted{Peer::worker, Type::activity, false},
    Admitted{Peer::worker, Type::usage_query, false},
    Admitted{Peer::nfs_server, Type::ready, true},
    Admitted{Peer::controller, Type::ready, true},
    Admitted{Peer::controller, Type::put_lab, false, true},
    Admitted{Peer::controller, Type::remove_lab, false},
    Admitted{Peer::controller, Type::put_account, false},
    Admitted{Peer::controller, Type::remove_account, false},
    Admitted{Peer::controller, Type::accounts_complete, false},
    Admitted{Peer::controller, Type::step_request, false},
    Admitted{Peer::controller, Type::status_query, false},
    Admitted{Peer::controller, Type::sessions_query, false},
    Admitted{Peer::controller, Type::bans_query, false},
    Admitted{Peer::controller, Type::clear_bans, false},
    Admitted{Peer::controller, Type::end_session, false},
};

}  // namespace

bool may_send(Peer peer, Type type, bool ready) {
    return std::any_of(admitted.begin(), admitted.end(), [&](const Admitted& row) {
        return row.peer == peer && row.type == type && row.before_ready == !ready;
    });
}

bool may_bring_descriptors(Peer peer, Type type) {
    return std::any_of(admitted.begin(), admitted.end(), [&](const Admitted& row) {
        return row.peer == peer && row.type == type && row.brings_descriptors;
    });
}

Result<void> check_login(const message::LoginRequest& m) {
    for (const auto* address : {&m.peer, &m.local, &m.bound})
        if (!is_ip_address(address->view()))
            return Error{Code::protocol, "login request: an address that is none"};
    if (m.tls_version != 0x0303 && m.tls_version != 0x0304)
        return Error{Code::protocol, "login request: TLS version"};
    if (m.user.size == 0 || m.user.size > m.user.bytes.size() || m.password.size > m.password.bytes.size())
        return Error{Code::protocol, "login request: user or password length"};
    if (m.hopeless != 0 && m.password.size != 0)
        return Error{Code::protocol, "login request: a password that nobody is to be asked about"};
    return {};
}

}  // namespace stowage::supervisor
