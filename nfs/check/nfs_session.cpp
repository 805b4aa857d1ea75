// libnfs' asynchronous calls, driven by Asio.
// Runs in: controller.
#include "nfs/check/nfs_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/time.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

extern "C" {
#include <nfsc/libnfs.h>
}

#include "nfs/check/nfs_error.hpp"

namespace stowage::nfs {

namespace asio = boost::asio;

namespace {

// libnfs notices its own time limits only when it is called now and then.
constexpr auto turn_limit = std::chrono::milliseconds(100);

/// The wait of one turn. Shared with the timer's handler, which may run after the turn is over.
struct Turn {
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    Turn(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd), timer(executor) {}
    Turn(const Turn&) = delete;
    ~Turn() {
        if (descriptor.is_open()) (void)descriptor.release();  // libnfs closes it
    }
};

/// Until the descriptor is ready for `events`, or a turn's time is up.
asio::awaitable<void> wait_a_turn(asio::any_io_executor executor, int fd, int events) {
    auto turn = std::make_shared<Turn>(executor, fd);
    turn->timer.expires_after(turn_limit);
    turn->timer.async_wait([turn](boost::system::error_code error) {
        if (!error && turn->descriptor.is_open()) turn->descriptor.cancel(error);
    });
    const auto kind = (events & POLLOUT) != 0 ? asio::posix::descriptor_base::wait_write
                                              : asio::posix::descriptor_base::wait_read;
    boost::system::error_code error;
    co_await turn->descriptor.async_wait(kind, asio::redirect_error(asio::use_awaitable, error));
    turn->timer.cancel();
    (void)turn->descriptor.release();
}

int ready_events(int fd, int events) {
    pollfd wait{fd, static_cast<short>(events), 0};
    return ::poll(&wait, 1, 0) > 0 ? wait.revents : 0;
}

}  // namespace

struct NfsAnswer {
    bool done = false;
    int result = 0;
    nfsfh* file = nullptr;
    std::string bytes;
    NfsOwner owner;
    NfsSpace space;
};

namespace {

// The callbacks. The kind of call decides what `data` is; libnfs frees it afterwards.

NfsAnswer& note(int result, void* private_data) {
    auto& answer = *static_cast<NfsAnswer*>(private_data);
    answer.done = true;
    answer.result = result;
    return answer;
}

void on_done(int result, nfs_context*, void*, void* private_data) {
    note(result, private_data);
}

void on_file(int result, nfs_context*, void* data, void* private_data) {
    auto& answer = note(result, private_data);
    if (result >= 0) answer.file = static_cast<nfsfh*>(data);
}

void on_bytes(int result, nfs_context*, void* data, void* private_data) {
    auto& answer = note(result, private_data);
    if (result > 0) answer.bytes.assign(static_cast<const char*>(data), static_cast<std::size_t>(result));
}

void on_status(int result, nfs_context*, void* data, void* private_data) {
    auto& answer = note(result, private_data);
    if (result < 0) return;
    const auto* status = static_cast<const nfs_stat_64*>(data);
    answer.owner = {static_cast<std::uint32_t>(status->nfs_uid), static_cast<std::uint32_t>(status->nfs_gid)};
}

void on_space(int result, nfs_context*, void* data, void* private_data) {
    auto& answer = note(result, private_data);
    if (result < 0) return;
    const auto* seen = static_cast<const nfs_statvfs_64*>(data);
    answer.space.total_bytes = seen->f_blocks * seen->f_frsize;
}

}  // namespace

void NfsSession::ContextDeleter::operator()(nfs_context* context) const {
    nfs_destroy_context(context);
}

NfsSession::NfsSession(asio::any_io_executor executor, int version, std::string client_name,
                       std::uint16_t port, Clock::time_point deadline)
    : executor_(std::move(executor)),
      version_(version),
      deadline_(deadline),
      answer_(std::make_unique<NfsAnswer>()),
      context_(nfs_init_context()) {
    if (!context_) throw std::bad_alloc();
    // Version and port can be set by a URL only; its server and path are not used.
    const auto url = fmt::format("nfs://0.0.0.0/?version={}&nfsport={}", version, port);
    auto* parsed = nfs_parse_url_dir(context_.get(), url.c_str());
    if (parsed) nfs_destroy_url(parsed);
    // libnfs 4.0.0 never frees this copy (nor the default name): some 30 bytes a session.
    nfs4_set_client_name(context_.get(), client_name.c_str());
    // A new verifier makes the server drop what a former session of this name left: state and sequence
    // numbers.
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random)
        random = static_cast<std::uint64_t>(::clock());
    nfs4_set_verifier(context_.get(), fmt::format("{:016x}", random).substr(0, 8).c_str());
    nfs_set_autoreconnect(context_.get(), 0);
}

NfsSession::~NfsSession() = default;

/// The end of the session: the answer may still be on its way, or the connection is gone.
Error NfsSession::give_up(Error why) {
    context_.reset();  // calls back once more, into answer_
    file_ = nullptr;
    return why;
}

asio::awaitable<Result<void>> NfsSession::finish() {
    while (!answer_->done) {
        if (Clock::now() >= deadline_)
            co_return give_up({Code::timeout, "the NFS server did not answer in time",
                               "look whether it runs and whether a firewall is in between"});
        // Asked anew each turn: libnfs may have opened another connection.
        const int fd = nfs_get_fd(context_.get());
        const int events = nfs_which_events(context_.get());
        if (fd < 0) co_return give_up({Code::unavailable, "the connection to the NFS server is gone"});
        co_await wait_a_turn(executor_, fd, events);
        const int served = nfs_service(context_.get(), ready_events(fd, events));
        if (served < 0 && !answer_->done)
            co_return give_up({Code::unavailable, nfs_get_error(context_.get())});
        // As a rule libnfs answers what waits with an error when the connection goes.
        connection_is_gone_ = served < 0;
    }
    co_return Result<void>();
}

template <typename Start>
asio::awaitable<Result<void>> NfsSession::call(std::string doing, Start start) {
    if (!context_) co_return Error{Code::unavailable, doing + ": the NFS session has ended"};
    *answer_ = NfsAnswer{};
    if (start(context_.get(), answer_.get()) != 0)  // then no callback ever comes
        co_return nfs_error(0, nfs_get_error(context_.get()), doing);
    auto finished = co_await finish();
    if (!finished) {
        auto error = finished.error();
        error.what = doing + ": " + error.what;
        co_return error;
    }
    Result<void> result;
    if (answer_->result < 0) result = nfs_error(answer_->result, nfs_get_error(context_.get()), doing);
    if (connection_is_gone_) (void)give_up({});
    co_return result;
}

asio::awaitable<Result<void>> NfsSession::mount(std::string server, std::string path) {
    auto start = [=](nfs_context* context, NfsAnswer* answer) {
        return nfs_mount_async(context, server.c_str(), path.c_str(), on_done, answer);
    };
    co_return co_await call("mount " + server + ":" + path, start);
}

asio::awaitable<Result<void>> NfsSession::create(std::string path) {
    auto start = [=](nfs_context* context, NfsAnswer* answer) {
        return nfs_open2_async(context, path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, on_file, answer);
    };
    CO_CHECK(co_await call("create " + path, start));
    file_ = answer_->file;
    co_return Result<void>();
}

asio::awaitable<Result<void>> NfsSession::write_and_commit(std::string bytes) {
    auto write = [&bytes, file = file_](nfs_context* context, NfsAnswer* answer) {
        return nfs_pwrite_async(context, file, 0, bytes.size(), bytes.data(), on_done, answer);
    };
    auto commit = [file = file_](nfs_context* context, NfsAnswer* answer) {
        return nfs_fsync_async(context, file, on_done, answer);
    };
    CO_CHECK(co_await call("write", write));
    if (static_cast<std::size_t>(answer_->result) != bytes.size())
        co_return Error{Code::io,
                        fmt::format("write: {} of {} bytes were taken", answer_->result, bytes.size())};
    co_return co_await call("fsync", commit);
}

asio::awaitable<Result<std::string>> NfsSession::read(std::size_t most_bytes) {
    auto start = [file = file_, most_bytes](nfs_context* context, NfsAnswer* answer) {
        return nfs_pread_async(context, file, 0, most_bytes, on_bytes, answer);
    };
    CO_CHECK(co_await call("read", start));
    co_return std::move(answer_->bytes);
}

asio::awaitable<Result<NfsOwner>> NfsSession::owner(std::string path) {
    auto start = [=](nfs_context* context, NfsAnswer* answer) {
        return nfs_lstat64_async(context, path.c_str(), on_status, answer);
    };
    CO_CHECK(co_await call("stat " + path, start));
    co_return answer_->owner;
}

asio::awaitable<Result<NfsSpace>> NfsSession::space(std::string path) {
    auto start = [=](nfs_context* context, NfsAnswer* answer) {
        return nfs_statvfs64_async(context, path.c_str(), on_space, answer);
    };
    CO_CHECK(co_await call("statvfs " + path, start));
    co_return answer_->space;
}

asio::awaitable<Result<void>> NfsSession::unmount() {
    if (version_ != 3) co_return Result<void>();
    auto start = [](nfs_context* context, NfsAnswer* answer) {
        return nfs_umount_async(context, on_done, answer);
    };
    co_return co_await call("unmount", start);
}

asio::awaitable<Result<void>> NfsSession::close_file() {
    auto* const file = std::exchange(file_, nullptr);
    auto start = [file](nfs_context* context, NfsAnswer* answer) {
        return nfs_close_async(context, file, on_done, answer);
    };
    if (!file) co_return Result<void>();
    co_return co_await call("close", start);
}

asio::awaitable<Result<void>> NfsSession::remove(std::string path) {
    auto start = [=](nfs_context* context, NfsAnswer* answer) {
        return nfs_unlink_async(context, path.c_str(), on_done, answer);
    };
    co_return co_await call("remove " + path, start);
}

}  // namespace stowage::nfs
