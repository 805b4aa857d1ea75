// Between an NFS client and its server, and gone at the wrong moment.
// Runs in: system tests of nfs, as root: servers want privileged ports.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "gateway/base/fd.hpp"

namespace stowage::nfs::testing {

/// Passes connections on to a port of 127.0.0.1, one after the other. The first one for which `is_moment` is
/// true when the client says something ends there, unsaid; later ones are whole.
class BreakingProxy {
  public:
    BreakingProxy(std::uint16_t server_port, std::function<bool()> is_moment);
    ~BreakingProxy();
    BreakingProxy(const BreakingProxy&) = delete;

    std::uint16_t port() const { return port_; }
    bool has_broken() const { return has_broken_; }

  private:
    void serve();
    void pass(int client, int server);

    std::uint16_t server_port_, port_ = 0;
    std::function<bool()> is_moment_;
    std::atomic<bool> has_broken_ = false;
    Fd listener_, end_, end_of_parent_;
    std::thread thread_;
};

}  // namespace stowage::nfs::testing
