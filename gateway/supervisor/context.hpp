// What every part of the supervisor shares.
// Runs in: supervisor.
#pragma once

#include <boost/asio/io_context.hpp>
#include <list>
#include <map>

#include "gateway/base/config.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/supervisor/accounts.hpp"
#include "gateway/supervisor/changes.hpp"
#include "gateway/supervisor/process.hpp"
#include "gateway/supervisor/ticket_keys.hpp"

namespace stowage::supervisor {

/// One that is under way, and ends for a newer request.
struct QuotaStep {
    std::string lab;
    Process& process;
    bool stopped = false;
};

struct Context {
    Context(boost::asio::io_context& io_, const Config& config_)
        : io(io_), config(config_), accounts(config_), changes(io_) {}

    boost::asio::io_context& io;
    const Config& config;
    Fd sealed_config;                   ///< memfd with every key and value
    Fd sealed_certificate, sealed_key;  ///< memfds, PEM
    Fd sealed_ocsp;                     ///< memfd, DER
    std::chrono::system_clock::time_point certificate_until{};
    std::int64_t ocsp_until = 0;  ///< seconds since the epoch; 0: there is none
    std::string libexec_dir;      ///< where the other executables lie
    std::map<std::string, Fd> held_executables;
    TicketKeys tickets;
    Secret hash_secret;  ///< hash_keys.hpp
    Accounts accounts;
    Changes changes;                   ///< of the children, told to who waits for them
    std::list<QuotaStep> quota_steps;  ///< set_quota, of whichever controller
    bool draining = false;

    /// Opens the other executables. From then on children are programs of now, which speak our messages: an
    /// upgrade puts others in their place while this process drains.
    void hold_executables();
    Executable executable(const std::string& name) const;
};

/// More descriptors for the same open files, close-on-exec, to be passed on. Fails when this process has too
/// many open: what they were for is refused then.
Result<std::vector<Fd>> duplicates(std::initializer_list<const Fd*> fds);

}  // namespace stowage::supervisor
