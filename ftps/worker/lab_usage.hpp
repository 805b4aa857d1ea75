// The lab's usage, asked for when somebody needs it: from the filesystem, from root through the supervisor,
// or from our own ledger where nobody else counts. Runs in: worker.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <vector>

#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/usage.hpp"
#include "ftps/worker/waiting.hpp"
#include "gateway/base/channel.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::ftps {

/// One thread. However many ask, one look is under way at a time; a filesystem that hangs holds that one, and
/// those who ask go on with what was known before.
class LabUsage {
  public:
    using Clock = std::chrono::steady_clock;

    LabUsage(asio::any_io_executor executor, asio::thread_pool& pool, LabFiles& files,
             ipc::Channel& supervisor)
        : executor_(executor), pool_(pool), files_(files), supervisor_(supervisor), answered_(executor) {}

    /// What is known, however old. From the ledger it is never old.
    Usage latest() const;
    /// Taken within `age` before the call, if it can be had within about a second.
    asio::awaitable<Usage> recent(Clock::duration age);
    /// Taken after the call, with everything counted that was written before it (btrfs counts once per
    /// transaction: this ends one). Where that takes longer than a few seconds: what was known before.
    asio::awaitable<Usage> exact();
    /// Looks in the background if latest() is older than `age`.
    void refresh_when_older(Clock::duration age);

    void limits_changed(const message::LabSettings& settings);
    /// The supervisor's answer to our query.
    void answered(const message::LabUsage& usage);

  private:
    void begin_look(bool exact);
    asio::awaitable<void> look(bool exact);
    asio::awaitable<void> wait_for_look(Clock::duration limit);
    asio::awaitable<Result<void>> look_at_disk(bool sync);
    asio::awaitable<Result<void>> ask_supervisor();
    asio::awaitable<Result<void>> count_again();
    bool is_limited() const { return settings_.quota_bytes > 0 || settings_.quota_inodes > 0; }
    bool counts_itself() const { return seen_.backend == message::QuotaBackend::none && is_limited(); }

    asio::any_io_executor executor_;
    asio::thread_pool& pool_;
    LabFiles& files_;
    ipc::Channel& supervisor_;
    message::LabSettings settings_;
    Usage seen_;
    Clock::time_point exact_at_{};
    bool looking_ = false;
    bool asked_ = false;  // and not answered: the supervisor takes one query at a time
    std::optional<message::LabUsage> answer_;
    Event answered_;
    std::vector<Event*> waiting_;  // for the end of the look
};

}  // namespace stowage::ftps
