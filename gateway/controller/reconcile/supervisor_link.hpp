// The controller's side of the channel to the supervisor: steps, FTPS tables, status.
// Runs in: controller. Distrusts: nothing but the supervisor's pace; it is root.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/channel.hpp"
#include "gateway/controller/state/records.hpp"

namespace stowage::controller {

/// One thread. Requests may overlap; replies find them by their id.
class SupervisorLink {
  public:
    SupervisorLink(boost::asio::any_io_executor executor, ipc::Channel channel);

    /// Has root_step do it. The step's own error, or Code::timeout when the supervisor does not answer: then
    /// it may have happened.
    boost::asio::awaitable<Result<message::LabObservation>> step(message::StepRequest request);
    /// All processes, as the supervisor sees them.
    boost::asio::awaitable<Result<std::vector<message::StatusEntry>>> status();

    void put_lab(const message::PutLab& lab);
    void remove_lab(const std::string& lab);
    void put_account(const std::string& user, const std::string& lab);
    void remove_account(const std::string& user);
    void say(const message::AccountsComplete& m);
    void say(const message::Ready& m);

    /// What the supervisor was told to serve, by lab.
    const std::map<std::string, message::PutLab, std::less<>>& served() const { return served_; }

    /// Receives until the supervisor is gone. `on_drain` is called at most once per Drain.
    boost::asio::awaitable<void> run(std::function<void(std::chrono::seconds limit)> on_drain);

  private:
    struct Waiting;
    boost::asio::awaitable<bool> wait(std::shared_ptr<Waiting> waiting, std::uint32_t id,
                                      std::chrono::seconds limit);
    void receive(const ipc::Packet& packet);
    template <typename M>
    void tell(const M& m);

    boost::asio::any_io_executor executor_;
    ipc::Channel channel_;
    std::uint32_t last_id_ = 0;
    std::map<std::uint32_t, std::shared_ptr<Waiting>> waiting_;
    std::map<std::string, message::PutLab, std::less<>> served_;
};

/// The request for a step of a lab, with those fields set that the step uses.
message::StepRequest request_for(const Lab& lab, message::Step step);

}  // namespace stowage::controller
