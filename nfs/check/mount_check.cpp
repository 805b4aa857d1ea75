// The steps of the mount check.
// Runs in: controller.
#include "nfs/check/mount_check.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <set>

#include "gateway/base/identity.hpp"
#include "nfs/check/nfs_error.hpp"
#include "nfs/check/nfs_session.hpp"

namespace stowage::nfs {

namespace asio = boost::asio;

namespace {

using Clock = NfsSession::Clock;

/// A client name of this process that no other check is using just now. Few names, used again and again: the
/// server keeps a record of each, and records lengthen its next grace period.
class ClientName {
  public:
    ClientName() {
        while (in_use().contains(number_))
            ++number_;
        in_use().insert(number_);
    }
    ClientName(const ClientName&) = delete;
    ~ClientName() { in_use().erase(number_); }
    std::string text() const { return fmt::format("stowage-check-{}-{}", ::getpid(), number_); }

  private:
    static std::set<unsigned>& in_use() {
        static std::set<unsigned> numbers;  // one thread per process
        return numbers;
    }
    unsigned number_ = 0;
};

std::string random_hex() {
    std::uint64_t number[2] = {};
    if (::getrandom(number, sizeof number, 0) != sizeof number) throw Fatal(system_error(errno, "getrandom"));
    return fmt::format("{:016x}{:016x}", number[0], number[1]);
}

/// One check under way.
struct Check {
    MountCheckRequest request;
    Clock::time_point started = Clock::now(), step_started = started;
    ClientName client;
    // Always the same: what a check left that was killed, the next one takes away.
    std::string file = "/.stowage-check";
    int version = 4;
    std::unique_ptr<NfsSession> session;
    MountCheckReport report;

    explicit Check(MountCheckRequest wanted) : request(std::move(wanted)) {}
    // The last quarter of the time is for cleaning up.
    Clock::time_point work_deadline() const {
        return started + std::chrono::milliseconds(request.limit) * 3 / 4;
    }
    Clock::time_point last_deadline() const { return started + request.limit; }

    void note(std::string name, const Result<std::string>& seen) {
        const auto now = Clock::now();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - step_started).count();
        step_started = now;
        const bool full = !seen && is_full(seen.error(), request.at_limit);
        report.full = report.full || full;
        if (!seen && !full && report.ok()) report.error = seen.error();
        auto detail = seen ? *seen : seen.error().text();
        report.steps.push_back(
            {std::move(name), seen.has_value() || full, ms, (full ? "full: " : "") + std::move(detail)});
    }
};

constexpr std::size_t content_bytes = 2048;
static_assert(content_bytes <= NfsSession::max_write_bytes);

std::string content() {
    std::string text = "stowage wrote this to see whether the lab can be written over NFS. ";
    while (text.size() < content_bytes)
        text += random_hex();
    text.resize(content_bytes);
    return text;
}

asio::awaitable<Result<std::string>> mount_until(Check& check, Clock::time_point deadline) {
    const auto& request = check.request;
    auto executor = co_await asio::this_coro::executor;
    check.session =
        std::make_unique<NfsSession>(executor, check.version, check.client.text(), request.port, deadline);
    CO_CHECK(co_await check.session->mount(request.server, request.path));
    co_return fmt::format("{}:{} by NFSv{}", request.server, request.path, check.version);
}

asio::awaitable<Result<std::string>> mount(Check& check) {
    co_return co_await mount_until(check, check.work_deadline());
}

asio::awaitable<void> wait_for(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

bool in_grace(const Result<void>& result) {
    return !result && result.error().what.find("NFS4ERR_GRACE") != std::string::npos;
}

/// What a killed check left goes first. Somebody's directory of that name stays; the check takes another
/// name.
asio::awaitable<Result<void>> clear_name(Check& check) {
    auto removed = co_await check.session->remove(check.file);
    if (removed || removed.error().code == Code::not_found) co_return Result<void>();
    if (!check.session->is_usable()) co_return removed;
    check.file += "-" + random_hex();
    co_return Result<void>();
}

/// A server that was just restarted refuses new opens for a while: nothing but asking again tells when it is
/// over. With a new session, for libnfs 4.0.0 loses count of its sequence numbers after such a refusal.
asio::awaitable<Result<void>> create(Check& check) {
    auto created = co_await check.session->create(check.file);
    while (in_grace(created) && Clock::now() + std::chrono::seconds(1) < check.work_deadline()) {
        co_await wait_for(std::chrono::seconds(1));
        auto mounted = co_await mount(check);
        if (!mounted) co_return mounted.error();
        created = co_await check.session->create(check.file);
    }
    co_return created;
}

asio::awaitable<Result<std::string>> write(Check& check, std::string bytes) {
    CO_CHECK(co_await check.session->write_and_commit(bytes));
    co_return fmt::format("{} bytes, fsynced", bytes.size());
}

asio::awaitable<Result<std::string>> read_back(Check& check, std::string bytes) {
    CO_TRY(auto got, co_await check.session->read(bytes.size() + 1));
    if (got == bytes) co_return "the same bytes";
    co_return Error{Code::io, fmt::format("other bytes came back than were written ({} instead of {})",
                                          got.size(), bytes.size())};
}

asio::awaitable<Result<std::string>> owner(Check& check, std::string path) {
    CO_TRY(auto seen, co_await check.session->owner(path));
    if (seen.uid == check.request.uid && seen.gid == check.request.gid)
        co_return fmt::format("{}:{}", seen.uid, seen.gid);
    co_return Error{Code::differs,
                    fmt::format("the file belongs to {}:{} instead of {}:{}", seen.uid, seen.gid,
                                check.request.uid, check.request.gid),
                    "publish the export again: it does not squash clients to the lab"};
}

/// Filesystems count in blocks, CephFS in such of 4 MiB.
constexpr std::uint64_t rounding_bytes = 4 << 20;

asio::awaitable<Result<std::string>> quota(Check& check) {
    const auto& request = check.request;
    CO_TRY(const auto space, co_await check.session->space("/"));
    const auto limit = format_bytes(request.quota_bytes), seen = format_bytes(space.total_bytes);
    // Less than the limit is a filesystem that is smaller.
    if (space.total_bytes <= request.quota_bytes + rounding_bytes)
        co_return fmt::format("clients see {} in all, the limit is {}", seen, limit);
    if (!request.quota_is_shown)
        co_return fmt::format("not shown: clients see the whole filesystem, {}, here; the limit is {}", seen,
                              limit);
    co_return Error{
        Code::differs, fmt::format("clients see {} in all instead of the lab's limit of {}", seen, limit),
        "look whether the filesystem is mounted with project quotas (prjquota), and that it is the one that "
        "is exported; `stowage apply` sets the limit again"};
}

asio::awaitable<void> see_quota(Check& check) {
    if (check.request.quota_bytes == 0) co_return;
    const auto seen = co_await quota(check);
    check.note("quota seen", seen);
}

/// With a new session if the old one was given up.
asio::awaitable<Result<std::string>> remove(Check& check) {
    if (!check.session->is_usable()) CO_CHECK(co_await mount_until(check, check.last_deadline()));
    check.session->set_deadline(check.last_deadline());
    (void)co_await check.session->close_file();  // what a failed close means, write or fsync has told
    auto removed = co_await check.session->remove(check.file);
    if (!removed && removed.error().code != Code::not_found) co_return removed.error();
    co_return "the test file is gone";
}

asio::awaitable<void> use_file(Check& check) {
    const auto bytes = content();
    const auto wrote = co_await write(check, bytes);
    check.note("wrote", wrote);
    if (!wrote) co_return;
    const auto same = co_await read_back(check, bytes);
    check.note("read back", same);
    if (!same) co_return;
    const auto owned = co_await owner(check, check.file);
    check.note("owner", owned);
    if (owned) co_await see_quota(check);
}

constexpr const char* not_written = "read-only for this address: not written";

asio::awaitable<bool> look(Check& check) {
    const auto owned = co_await owner(check, "/");
    check.note("owner", owned);
    if (owned) co_await see_quota(check);
    co_return owned.has_value();
}

asio::awaitable<void> write_and_read(Check& check) {
    auto created = co_await clear_name(check);
    if (created) created = co_await create(check);
    if (created) {
        co_await use_file(check);
    } else {
        check.note("wrote", created.error());
    }
    if (check.report.full) (void)co_await look(check);
    // After a timeout or a lost connection nobody knows whether the server made the file.
    const bool may_exist = created || !check.session->is_usable();
    if (may_exist) {
        const auto removed = co_await remove(check);
        check.note("removed", removed);
    }
}

asio::awaitable<Result<std::string>> use_file_at_once(Check& check) {
    const auto bytes = content();
    CO_CHECK(co_await write(check, bytes));
    CO_CHECK(co_await read_back(check, bytes));
    co_return "mounted, wrote, read back, removed";
}

/// Another version is another server behind other daemons, not another lab: one line is enough.
asio::awaitable<Result<std::string>> use_v3(Check& check) {
    check.version = 3;
    CO_CHECK(co_await mount(check));
    if (check.request.read_only) {
        CO_CHECK(co_await owner(check, "/"));
        (void)co_await check.session->unmount();
        co_return std::string("mounted; ") + not_written;
    }
    CO_CHECK(co_await clear_name(check));
    auto created = co_await create(check);
    if (!created && check.session->is_usable()) co_return created.error();
    // No conditional expression around co_await: GCC 12 frees its temporaries twice.
    Result<std::string> used = std::string();
    if (!created) used = created.error();
    if (created) used = co_await use_file_at_once(check);
    const auto removed = co_await remove(check);
    // Whoever does not say that it goes stays in the server's list of NFSv3 clients.
    (void)co_await check.session->unmount();
    if (used && !removed) co_return removed.error();
    co_return used;
}

}  // namespace

bool MountCheckReport::ok() const {
    return std::all_of(steps.begin(), steps.end(), [](const CheckedStep& step) { return step.ok; });
}

asio::awaitable<MountCheckReport> check_mount(MountCheckRequest request) {
    Check check(std::move(request));
    const auto mounted = co_await mount(check);
    check.note("mounted", mounted);
    if (!mounted) co_return std::move(check.report);
    if (!check.request.read_only) {
        co_await write_and_read(check);
    } else if (co_await look(check)) {
        check.note("wrote", Result<std::string>(not_written));
    }
    if (check.request.v3 && check.report.ok()) {
        const auto used = co_await use_v3(check);
        check.note("NFSv3", used);
    }
    co_return std::move(check.report);
}

}  // namespace stowage::nfs
