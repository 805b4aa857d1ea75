// The labs' workers: started with the first session of a lab, ended when idle or when the lab goes.
// Runs in: supervisor. Distrusts: workers.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <vector>

#include "gateway/supervisor/idle_claims.hpp"
#include "gateway/supervisor/service.hpp"
#include "gateway/supervisor/usage.hpp"

namespace stowage::supervisor {

struct Worker {
    Worker(boost::asio::io_context& io, ServedLab lab_, std::unique_ptr<Process> process_)
        : lab(std::move(lab_)),
          process(std::move(process_)),
          ready(io, std::chrono::steady_clock::time_point::max()) {}

    ServedLab lab;
    std::unique_ptr<Process> process;
    boost::asio::steady_timer ready;  ///< never expires; cancelled when the worker is ready or gone
    bool is_ready = false, is_gone = false;
    bool asks_usage = false;  ///< and has no answer yet
    std::uint64_t sessions_started = 0;
    IdleClaims idle_claims;
    std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();
};

class Workers {
  public:
    explicit Workers(Context& context) : context_(context), usage_(context) {}

    /// Gives a session to the lab's worker, starting it if need be. Code::unavailable when the worker does
    /// not come up within ten seconds, or has failed so often that its next start is further away than that.
    boost::asio::awaitable<Result<void>> hand_over(ServedLab lab, message::SessionStart session, Fd socket);

    /// New settings for a running worker, whose sessions go on; one with another uid is ended instead.
    void lab_changed(const ServedLab& lab);
    void end(const std::string& lab);
    void send(const message::TicketKey& key);
    /// After a reload, to those who hold it.
    void send_certificate();
    void drain();
    bool empty() const { return workers_.empty(); }
    const auto& all() const { return workers_; }
    std::uint32_t restarts(const std::string& lab) const;

    // worker_sessions.cpp
    struct Asked {
        std::uint64_t session;
        std::string lab;
    };
    using Answers = std::map<std::uint64_t, message::Doing>;
    /// What these sessions are doing. Those whose worker does not say within `limit` are left out.
    boost::asio::awaitable<Answers> what_they_do(std::vector<Asked> asked,
                                                 std::chrono::steady_clock::duration limit);
    /// Tells the worker to end a session.
    void end_session(const std::string& lab, std::uint64_t session);

  private:
    struct Failures {
        std::uint32_t count = 0;
        Backoff backoff = {};
        std::chrono::steady_clock::time_point not_before{};
    };

    boost::asio::awaitable<void> wait_for_backoff(std::string lab);
    Result<std::shared_ptr<Worker>> start(const ServedLab& lab);
    Result<void> introduce(Worker& worker);
    boost::asio::awaitable<void> serve(std::shared_ptr<Worker> worker);
    boost::asio::awaitable<Error> answer(std::shared_ptr<Worker> worker);
    Result<void> handle(const std::shared_ptr<Worker>& worker, const ipc::Packet& packet);
    boost::asio::awaitable<void> tell_usage(std::shared_ptr<Worker> worker, std::uint32_t id);
    Result<void> take_activity(const Worker& worker, const ipc::Packet& packet);
    void remove(const std::shared_ptr<Worker>& worker);

    // One question about sessions, until all have answered.
    struct Round;

    Context& context_;
    std::uint32_t last_round_ = 0;
    std::map<std::uint32_t, std::shared_ptr<Round>> rounds_;
    UsageObserver usage_;
    std::map<std::string, std::shared_ptr<Worker>, std::less<>> workers_;
    std::map<std::string, Failures, std::less<>> failures_;
};

}  // namespace stowage::supervisor
