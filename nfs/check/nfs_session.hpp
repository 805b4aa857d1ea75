// One NFS client on an Asio event loop, by libnfs 4.0.0.
// Runs in: controller. Distrusts: the server's answers and its pace.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/base/result.hpp"

struct nfs_context;
struct nfsfh;

namespace stowage::nfs {

/// Where libnfs' callbacks leave their answer.
struct NfsAnswer;

/// What a client's `df` shows of the filesystem.
struct NfsSpace {
    std::uint64_t total_bytes = 0;
};

struct NfsOwner {
    std::uint32_t uid = 0, gid = 0;
};

/// One mount; one call at a time. After Code::timeout or a lost connection it is of no more use.
class NfsSession {
  public:
    using Clock = std::chrono::steady_clock;

    /// libnfs 4.0.0 writes no more than this in one NFSv4 call.
    static constexpr std::size_t max_write_bytes = 3800;

    /// @param version 4, or 3, for which rpcbind must tell the port of mountd
    /// @param client_name NFSv4 client id: one that is in use elsewhere would lose its state
    /// @param deadline ends every call below with Code::timeout
    NfsSession(boost::asio::any_io_executor executor, int version, std::string client_name,
               std::uint16_t port, Clock::time_point deadline);
    ~NfsSession();

    bool is_usable() const { return context_ != nullptr; }
    void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }

    /// @param server a numeric address: a name would be resolved with blocking calls
    boost::asio::awaitable<Result<void>> mount(std::string server, std::string path);
    /// A new file, open for reading and writing; Code::exists if it is there.
    boost::asio::awaitable<Result<void>> create(std::string path);
    /// Writes at offset 0 of the file made by create(), at most max_write_bytes, then COMMITs (fsync).
    boost::asio::awaitable<Result<void>> write_and_commit(std::string bytes);
    /// Reads from offset 0 of the file made by create().
    boost::asio::awaitable<Result<std::string>> read(std::size_t most_bytes);
    boost::asio::awaitable<Result<NfsOwner>> owner(std::string path);
    boost::asio::awaitable<Result<NfsSpace>> space(std::string path);
    boost::asio::awaitable<Result<void>> close_file();
    boost::asio::awaitable<Result<void>> remove(std::string path);
    /// By NFSv3, has mountd forget this client, whom it would list for ever; by NFSv4 nobody need be told.
    boost::asio::awaitable<Result<void>> unmount();

  private:
    struct ContextDeleter {
        void operator()(nfs_context* context) const;
    };

    template <typename Start>
    boost::asio::awaitable<Result<void>> call(std::string doing, Start start);
    boost::asio::awaitable<Result<void>> finish();
    Error give_up(Error why);

    boost::asio::any_io_executor executor_;
    int version_;
    bool connection_is_gone_ = false;
    Clock::time_point deadline_;
    nfsfh* file_ = nullptr;
    // Not a local of a coroutine: when the io_context is destroyed in mid-call, the context's destructor
    // still calls back. So the context, declared last, goes first.
    std::unique_ptr<NfsAnswer> answer_;
    std::unique_ptr<nfs_context, ContextDeleter> context_;
};

}  // namespace stowage::nfs
