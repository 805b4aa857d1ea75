// The controller: what it is given, and what it asks for.
// Runs in: supervisor. Distrusts: the controller.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "gateway/base/messages/steps.hpp"
#include "gateway/supervisor/front_service.hpp"
#include "gateway/supervisor/looks.hpp"
#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/workers.hpp"

namespace stowage::supervisor {

class ControllerService {
  public:
    struct Identity {
        uid_t uid;
        gid_t gid, admin_gid;
    };
    using Report = std::function<std::vector<message::StatusEntry>()>;

    ControllerService(Context& context, Workers& workers, FrontService& front, const Fd& control_socket,
                      const Fd& runai_secret, Identity identity, Report report);

    boost::asio::awaitable<void> run();
    void drain();
    /// How long it has said nothing, though it asks something each second (keep_in_touch()); zero when it is
    /// not ready.
    std::chrono::steady_clock::duration silence() const;
    /// It comes back as after any other death.
    void kill();
    const ServiceStatus& status() const { return status_; }

  private:
    boost::asio::awaitable<Error> serve(Process& process);
    Result<void> introduce(ipc::Channel& channel);
    Result<void> handle(const ipc::Packet& packet);
    Result<void> change_accounts(const ipc::Packet& packet);
    void forget_the_rest();
    Result<void> begin_step(const ipc::Packet& packet);
    Result<void> report_status(std::uint32_t id);

    // online.cpp
    Result<void> begin_sessions(const ipc::Packet& packet);
    Result<void> begin_end_session(const ipc::Packet& packet);
    Result<void> report_bans(const ipc::Packet& packet);
    Result<void> clear_bans(const ipc::Packet& packet);
    Result<void> count_question();
    boost::asio::awaitable<void> report_sessions(std::uint64_t after, std::uint32_t id, std::uint64_t run);
    boost::asio::awaitable<void> end_session(std::uint64_t session, std::uint32_t id, std::uint64_t run);
    boost::asio::awaitable<void> step(message::StepRequest request, std::uint32_t id, std::uint64_t run);

    Context& context_;
    Workers& workers_;
    FrontService& front_;
    const Fd& control_socket_;
    const Fd& runai_secret_;
    Identity identity_;
    Report report_;
    Looks looks_;
    ServiceStatus status_{"controller"};
    ipc::Channel* channel_ = nullptr;
    Process* process_ = nullptr;
    std::chrono::steady_clock::time_point heard_at_ = {};
    std::uint64_t run_ = 0;
    std::size_t steps_under_way_ = 0, questions_under_way_ = 0;
};

}  // namespace stowage::supervisor
