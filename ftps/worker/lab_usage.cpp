// Looks at the lab's usage, one at a time.
// Runs in: worker; what touches the filesystem on the file threads.
#include "ftps/worker/lab_usage.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

using message::QuotaBackend;

constexpr std::chrono::seconds recent_limit{1}, exact_limit{5}, answer_limit{30};
// A walk through the lab is worth it again when it is a minute old, and may take a twentieth of the time.
constexpr std::chrono::seconds walk_interval{60};
constexpr int walk_share = 20;

}  // namespace

Usage LabUsage::latest() const {
    auto usage = seen_;
    if (!seen_.backend || seen_.backend == QuotaBackend::none) {
        usage.limit_bytes = settings_.quota_bytes;
        usage.limit_inodes = settings_.quota_inodes;
    }
    if (seen_.backend == QuotaBackend::btrfs) usage.limit_inodes = settings_.quota_inodes;
    if (!counts_itself()) return usage;
    if (const auto count = files_.ledger().count()) {
        usage.used_bytes = count->bytes;
        usage.used_inodes = count->inodes;
    }
    return usage;
}

asio::awaitable<Usage> LabUsage::recent(Clock::duration age) {
    if (Clock::now() - seen_.taken_at > age) {
        begin_look(false);
        co_await wait_for_look(recent_limit);
    }
    co_return latest();
}

asio::awaitable<Usage> LabUsage::exact() {
    const auto asked = Clock::now(), limit = asked + exact_limit;
    // Twice: the look that is under way began before us.
    for (int turn = 0; turn < 2 && exact_at_ < asked && Clock::now() < limit; ++turn) {
        begin_look(true);
        co_await wait_for_look(limit - Clock::now());
    }
    co_return latest();
}

void LabUsage::refresh_when_older(Clock::duration age) {
    if (is_limited() && Clock::now() - seen_.taken_at > age) begin_look(false);
}

void LabUsage::limits_changed(const message::LabSettings& settings) {
    settings_ = settings;
    seen_.taken_at = {};
    if (counts_itself())
        files_.ledger().start(settings.quota_bytes, settings.quota_inodes);
    else
        files_.ledger().stop();
}

void LabUsage::answered(const message::LabUsage& usage) {
    asked_ = false;
    answer_ = usage;
    answered_.notify();
}

void LabUsage::begin_look(bool exact) {
    if (looking_) return;
    looking_ = true;
    asio::co_spawn(executor_, look(exact), asio::detached);
}

asio::awaitable<void> LabUsage::wait_for_look(Clock::duration limit) {
    Event ended(executor_);
    waiting_.push_back(&ended);
    (void)co_await ended.wait(limit);
    std::erase(waiting_, &ended);
}

asio::awaitable<void> LabUsage::look(bool exact) {
    const auto began = Clock::now();
    const bool counted_by_btrfs = !seen_.backend || seen_.backend == QuotaBackend::btrfs;
    auto seen = co_await look_at_disk(exact && is_limited() && counted_by_btrfs);
    if (seen && is_limited()) seen = co_await ask_supervisor();
    // Quotas may have been switched on since: what the ledger goes on refusing would fit.
    if (seen && !counts_itself()) files_.ledger().stop();
    if (seen && counts_itself()) seen = co_await count_again();
    if (seen) {
        seen_.taken_at = began;
        if (exact) exact_at_ = began;
    } else {
        log::warning("usage_unknown", {{"why", seen.error().text()}});
    }
    looking_ = false;
    for (auto* waiting : waiting_)
        waiting->notify();
}

asio::awaitable<Result<void>> LabUsage::look_at_disk(bool sync) {
    auto work = [this, sync] { return files_.disk_room(sync); };
    CO_TRY(const auto room, co_await on_pool(pool_, std::move(work)));
    seen_.disk_free_bytes = room.bytes;
    seen_.disk_free_inodes = room.inodes;
    co_return Result<void>();
}

asio::awaitable<Result<void>> LabUsage::ask_supervisor() {
    answer_.reset();
    if (!asked_) CO_CHECK(supervisor_.send(message::UsageQuery{}));
    asked_ = true;
    const auto limit = Clock::now() + answer_limit;
    while (!answer_ && Clock::now() < limit)
        (void)co_await answered_.wait(limit - Clock::now());
    if (!answer_) co_return Error{Code::timeout, "no answer about the lab's usage"};
    if (answer_->code != 0)
        co_return Error{static_cast<Code>(answer_->code), "root could not look at the lab's usage"};
    const bool counts = answer_->backend != QuotaBackend::none;
    seen_.backend = answer_->backend;
    seen_.limit_bytes = answer_->limit_bytes;
    seen_.limit_inodes = answer_->limit_inodes;
    seen_.used_bytes = counts ? std::optional(answer_->used_bytes) : std::nullopt;
    const bool counts_inodes = counts && answer_->backend != QuotaBackend::btrfs;
    // A project or a CephFS quota hides what the whole filesystem has from statfs(2).
    const bool hides_disk = counts && answer_->backend != QuotaBackend::btrfs;
    if (hides_disk) seen_.disk_free_bytes = answer_->disk_free_bytes;
    if (hides_disk && answer_->disk_free_inodes != UINT64_MAX)
        seen_.disk_free_inodes = answer_->disk_free_inodes;
    seen_.used_inodes = counts_inodes ? std::optional(answer_->used_inodes) : std::nullopt;
    co_return Result<void>();
}

asio::awaitable<Result<void>> LabUsage::count_again() {
    auto& ledger = files_.ledger();
    if (!ledger.is_on()) ledger.start(settings_.quota_bytes, settings_.quota_inodes);
    const auto pause = std::max<Clock::duration>(walk_interval, walk_share * ledger.walk_took());
    if (ledger.count() && Clock::now() - ledger.walked_at() < pause) co_return Result<void>();
    auto work = [this] { return files_.count(); };
    co_return co_await on_own_thread(std::move(work));
}

}  // namespace stowage::ftps
