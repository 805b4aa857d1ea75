// What all sessions of the lab share.
// Runs in: worker.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "ftps/worker/data_connection.hpp"
#include "ftps/worker/data_tls.hpp"
#include "ftps/worker/hash_attribute.hpp"
#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/lab_usage.hpp"
#include "ftps/worker/lab_view.hpp"
#include "ftps/worker/live_sessions.hpp"
#include "ftps/worker/partials.hpp"
#include "ftps/worker/waiting.hpp"
#include "gateway/base/channel.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::ftps {

struct Session;

/// Threads for short file operations: one that hangs must not stop the others' at once.
inline constexpr std::size_t file_threads = 16;

/// Members are used on the main thread, but for files, partials, view, hashes and live_sessions, which any
/// thread may use.
struct Worker {
    struct Root {
        Fd directory;
        bool names_go_with_files = false;  ///< file_sync_keeps_names()
    };
    Worker(asio::io_context& context, Config configuration, std::string lab_name, Root root, Fd supervisor,
           const HashAttribute::Key& hash_key);

    asio::io_context& context;
    const Config config;
    const std::string lab;
    message::LabSettings settings;
    LabFiles files;
    Partials partials;
    LabView view;
    const HashAttribute hashes;
    ListenerShare listeners;
    DataTls tls;
    LiveSessions live_sessions;
    asio::thread_pool pool{file_threads};
    ipc::Channel supervisor;
    LabUsage usage;

    std::map<std::uint64_t, Session*> sessions;
    std::uint64_t sessions_started = 0;
    std::atomic<unsigned> transfers = 0;
    unsigned long_commands = 0;
    bool draining = false;
    Event sessions_changed;

    unsigned sessions_of(const std::string& user) const;
    Durability durability() const { return settings.durable ? Durability::full : Durability::none; }
};

/// Serves the supervisor's packets until it closes the channel, or until a drain has ended.
asio::awaitable<void> serve_supervisor(Worker& worker);
/// Tells the supervisor when there was no session for a while.
asio::awaitable<void> watch_idleness(Worker& worker);
/// Removes partials that nobody went on with, and what a killed worker had begun to unpack.
asio::awaitable<void> expire_partials(Worker& worker);

}  // namespace stowage::ftps
