// NFS-Ganesha and its private bus, where the kernel does not serve.
// Runs in: supervisor.
#pragma once

#include "gateway/supervisor/service.hpp"

namespace stowage::supervisor {

class NfsService {
  public:
    explicit NfsService(Context& context) : context_(context) {}

    /// Runs the bus and the server until the supervisor drains, one starting after the other.
    boost::asio::awaitable<void> run_bus();
    boost::asio::awaitable<void> run_server();
    /// SIGTERM to both: Ganesha writes down its clients for the next grace period.
    void stop();
    const ServiceStatus& bus() const { return bus_; }
    const ServiceStatus& server() const { return server_; }
    bool running() const { return bus_.pid || server_.pid; }

  private:
    boost::asio::awaitable<Error> serve(Process& process, ServiceStatus& status);

    Context& context_;
    ServiceStatus bus_{"dbus"}, server_{"ganesha"};
    Process* bus_process_ = nullptr;
    Process* server_process_ = nullptr;
};

}  // namespace stowage::supervisor
