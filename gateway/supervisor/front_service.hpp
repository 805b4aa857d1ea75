// The front: what it is given, and the logins that it asks for.
// Runs in: supervisor. Distrusts: the front.
#pragma once

#include <set>
#include <utility>

#include "gateway/base/line_limit.hpp"
#include "gateway/supervisor/client_checks.hpp"
#include "gateway/supervisor/listeners.hpp"
#include "gateway/supervisor/login_queue.hpp"
#include "gateway/supervisor/login_throttle.hpp"
#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/session_numbers.hpp"
#include "gateway/supervisor/session_table.hpp"
#include "gateway/supervisor/workers.hpp"

namespace stowage::supervisor {

class FrontService {
  public:
    FrontService(Context& context, Workers& workers, std::vector<BoundListener>& listeners, uid_t uid,
                 gid_t gid);

    boost::asio::awaitable<void> run();
    void send(const message::TicketKey& key);
    /// After a reload.
    void send_certificate();
    /// Has clients asked for certificates from now on, or no longer, if that is another wish than before.
    void labs_changed();
    void drain();
    const ServiceStatus& status() const { return status_; }
    const SessionTable& sessions() const { return sessions_; }

    /// The front cuts the connection, whatever it is doing.
    void cut(std::uint64_t session);
    /// Whoever knew the old password, or had the account, is out.
    void cut_sessions_of(std::string_view user);
    /// True if the session is over within `limit`.
    boost::asio::awaitable<bool> wait_for_end_of(std::uint64_t session,
                                                 std::chrono::steady_clock::duration limit);

    std::vector<Ban> bans() const { return throttle_.bans(Ban::Clock::now()); }
    /// Lifts the ban of a network, or all when it is empty. Returns how many there were.
    std::size_t lift_bans(const std::string& network);

  private:
    boost::asio::awaitable<Error> serve(Process& process);
    Result<void> introduce(ipc::Channel& channel);
    Result<void> begin_login(const ipc::Packet& packet);
    std::size_t most_logins() const;
    void end_session(std::uint64_t session);
    void tell(const Ban& ban);

    // logins.cpp
    /// What came of a login, for the reply and for the log.
    struct Decision {
        std::uint64_t run = 0;  ///< of the front that asked
        message::LoginReply reply = {};
        Fd front_end = {};
        std::string why = {};       ///< for the log only
        std::uint64_t account = 0;  ///< whose password is right
        LoginThrottle::Clock::duration delay{};
    };
    boost::asio::awaitable<void> login(message::LoginRequest request, std::uint64_t run);
    boost::asio::awaitable<void> decide(message::LoginRequest& request, Decision& decision);
    boost::asio::awaitable<void> judge(const message::LoginRequest& request, std::string network,
                                       Decision& decision);
    void log_login(const message::LoginRequest& request, const Decision& decision,
                   std::chrono::steady_clock::time_point began);
    void announce(const Ban& ban);
    boost::asio::awaitable<void> welcome(const message::LoginRequest& request, Decision& decision);
    boost::asio::awaitable<Result<void>> open_session(const message::LoginRequest& request,
                                                      const ServedLab& lab, Fd& front_end);
    boost::asio::awaitable<Result<void>> check_client(std::uint64_t session, ServedLab lab);

    Context& context_;
    Workers& workers_;
    std::vector<BoundListener>& listeners_;
    uid_t uid_;
    gid_t gid_;
    ServiceStatus status_{"front"};
    ipc::Channel* channel_ = nullptr;  // of the current run
    std::uint64_t run_ = 0;
    SessionNumbers numbers_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> logins_;  // under way: run and session
    log::LineLimit refused_lines_{100};
    LoginThrottle throttle_;
    LoginQueue queue_;  // asks the throttle
    SessionTable sessions_;
    boost::asio::steady_timer session_ended_;  // never expires; cancelled when one ends
    ClientChecks client_checks_;
    bool asked_for_certificates_ = false;  // what the front was told last
};

}  // namespace stowage::supervisor
