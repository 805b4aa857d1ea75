// The front: what it is given, and the logins that it asks for.
// Runs in: supervisor. Distrusts: the front.
#pragma once

#include <deque>
#include <map>

#include "gateway/supervisor/listeners.hpp"
#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/workers.hpp"

namespace stowage::supervisor {

class FrontService {
  public:
    FrontService(Context& context, Workers& workers, std::vector<BoundListener>& listeners, uid_t uid,
                 gid_t gid);

    boost::asio::awaitable<void> run();
    void send(const message::TicketKey& key);
    void drain();
    const ServiceStatus& status() const { return status_; }
    std::uint32_t sessions_of_lab(std::string_view lab) const;
    std::size_t sessions() const { return sessions_.size(); }

  private:
    struct Session {
        std::string user, lab;
    };

    boost::asio::awaitable<Error> serve(Process& process);
    Result<void> introduce(ipc::Channel& channel);
    Result<void> begin_login(const ipc::Packet& packet);
    boost::asio::awaitable<void> login(message::LoginRequest request, std::uint64_t run);
    boost::asio::awaitable<message::LoginReply> decide(const message::LoginRequest& request, Fd& front_end);
    boost::asio::awaitable<Result<void>> open_session(const message::LoginRequest& request,
                                                      const ServedLab& lab, Fd& front_end);
    bool has_room_for(std::string_view user) const;

    Context& context_;
    Workers& workers_;
    std::vector<BoundListener>& listeners_;
    uid_t uid_;
    gid_t gid_;
    ServiceStatus status_{"front"};
    ipc::Channel* channel_ = nullptr;  // of the current run
    std::uint64_t run_ = 0;
    std::size_t logins_under_way_ = 0;
    std::map<std::uint64_t, Session> sessions_;
};

}  // namespace stowage::supervisor
