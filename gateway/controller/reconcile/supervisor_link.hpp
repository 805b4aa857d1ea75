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
#include "gateway/base/messages/children.hpp"
#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/controller/plan/plan.hpp"
#include "gateway/controller/state/records.hpp"

namespace stowage::controller {

/// One thread. Requests may overlap; replies find them by their id.
class SupervisorLink {
  public:
    SupervisorLink(boost::asio::any_io_executor executor, ipc::Channel channel);

    /// Has root_step do it. The step's own error, or Code::timeout when the supervisor does not answer: then
    /// it may have happened.
    boost::asio::awaitable<Result<message::LabObservation>> step(message::StepRequest request);
    boost::asio::awaitable<Result<message::LabObservation>> step(message::StepRequest request,
                                                                 std::chrono::seconds limit);
    /// Everybody whom the NFS server knows as a client.
    boost::asio::awaitable<Result<std::vector<message::NfsClientEntry>>> nfs_clients();
    /// All processes, as the supervisor sees them.
    boost::asio::awaitable<Result<std::vector<message::StatusEntry>>> status();

    /// Some of those who are on-line, those with numbers above `after`.
    struct Sessions {
        std::vector<message::SessionEntry> entries;
        bool more = false;
    };
    boost::asio::awaitable<Result<Sessions>> sessions(std::uint64_t after);
    /// Code::not_found, Code::timeout when it would not end.
    boost::asio::awaitable<Result<void>> end_session(std::uint64_t session);

    /// A question whose answer is one packet, each second: so the supervisor knows that our loop goes round.
    /// Ends with the process.
    boost::asio::awaitable<void> keep_in_touch();

    /// Every ban that holds.
    boost::asio::awaitable<Result<std::vector<message::BanEntry>>> bans();
    /// Lifts the ban of an address or network, or all when it is empty. Returns how many there were;
    /// Code::not_found when the address is not banned.
    boost::asio::awaitable<Result<std::uint32_t>> clear_bans(const std::string& network);

    /// On an error (no descriptor is left for its CAs, a full queue, a closed channel) nothing was told.
    Result<void> put_lab(const ServedForm& served);
    void remove_lab(const std::string& lab);
    void put_account(const std::string& user, const std::string& lab);
    void remove_account(const std::string& user);
    void say(const message::AccountsComplete& m);
    void say(const message::Ready& m);

    /// What the supervisor was told to serve, by lab.
    const std::map<std::string, ServedForm, std::less<>>& served() const { return served_; }

    /// Receives until the supervisor is gone. `on_drain` is called at most once per Drain.
    boost::asio::awaitable<void> run(std::function<void(std::chrono::seconds limit)> on_drain);

  private:
    struct Waiting;
    using Packets = std::vector<ipc::Packet>;
    /// The packets that came with this id up to the last of the answer. Code::timeout.
    boost::asio::awaitable<Result<Packets>> wait_for(std::uint32_t id, std::chrono::seconds limit);
    template <typename M>
    boost::asio::awaitable<Result<Packets>> ask(M question, std::chrono::seconds limit);
    static Result<message::ActionReply> acted(const Packets& packets);
    void receive(ipc::Packet packet);
    template <typename M>
    void tell(const M& m);

    boost::asio::any_io_executor executor_;
    ipc::Channel channel_;
    std::uint32_t last_id_ = 0;
    std::map<std::uint32_t, std::shared_ptr<Waiting>> waiting_;
    std::map<std::string, ServedForm, std::less<>> served_;
};

/// The request for a step of a lab, with those fields set that the step uses.
message::StepRequest request_for(const Lab& lab, message::Step step);

}  // namespace stowage::controller
