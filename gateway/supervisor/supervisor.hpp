// The supervisor as a whole: its children, its clock, its end.
// Runs in: supervisor.
#pragma once

#include "gateway/supervisor/controller_service.hpp"
#include "gateway/supervisor/front_service.hpp"
#include "gateway/supervisor/nfs_service.hpp"
#include "gateway/supervisor/startup.hpp"

namespace stowage::supervisor {

class Supervisor {
  public:
    Supervisor(Context& context, Foundation& foundation, bool with_ganesha);

    /// Runs until SIGTERM or SIGINT and the drain behind it are through.
    void run();

  private:
    boost::asio::awaitable<void> rotate_ticket_keys();
    boost::asio::awaitable<void> watch_certificate();
    boost::asio::awaitable<void> tell_ready();
    boost::asio::awaitable<void> keep_watch();
    boost::asio::awaitable<void> wait_for_signal();
    void reload();
    boost::asio::awaitable<void> drain();
    bool busy() const;
    bool all_ready() const;
    std::vector<message::StatusEntry> report() const;

    Context& context_;
    Foundation& foundation_;
    bool with_ganesha_;
    Workers workers_;
    FrontService front_;
    ControllerService controller_;
    NfsService nfs_;
};

}  // namespace stowage::supervisor
