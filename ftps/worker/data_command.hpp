// What all verbs with a data connection have in common: 150, connection, TLS, work, reply, log line.
// Runs in: worker.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "ftps/worker/session.hpp"

namespace stowage::ftps {

struct DataCommand {
    std::string verb;
    bool stores = false;     ///< an upload: where there is no room for it counts
    bool by_kernel = false;  ///< sends a file as it is: the kernel may encrypt it
    /// On the transfer's thread, before the 150: asks the filesystem whether it can be done, and fills in the
    /// rest. When it refuses, what was prepared for the data connection stays.
    std::function<Result<void>(DataCommand&)> prepare;
    /// On the same thread at the end, whatever came of it; may be empty.
    std::function<void()> release = {};

    // By prepare().
    std::string path = {};     ///< for the log and for STAT
    std::string opening = {};  ///< text of the 150
    std::string success = {};  ///< text of the 226
    std::uint64_t size = 0;    ///< of a download, for STAT; 0 if nobody knows
    int refusal = 0;           ///< code of the reply when it refuses, where that is not the table's
    /// On the same thread, after TLS was accepted.
    std::function<Result<void>(DataStream&, Transfer&)> work = {};
};

/// One of the transfers that the lab may have. From its first moment on it counts, and what was prepared for
/// its connection stays open: the command may wait for the lab's numbers before it begins. Main thread.
class TransferPlace {
  public:
    explicit TransferPlace(Session& session);
    ~TransferPlace() { give_back(false); }
    TransferPlace(const TransferPlace&) = delete;
    TransferPlace& operator=(const TransferPlace&) = delete;

    const std::shared_ptr<DataDoor>& door() const { return door_; }
    /// @param used false: what was prepared is there for the next command
    void give_back(bool used);
    /// From now on another transfer may have it. Any thread.
    void no_longer_counts();

  private:
    Session& session_;
    std::shared_ptr<DataDoor> door_;
    std::atomic<bool> counts_{true};
};

/// None if a data command may not begin: then the reply has been sent.
std::unique_ptr<TransferPlace> take_place(Session& session);

/// Of a file, in the session's TYPE.
LineEnds line_ends_of(const Session& session);

/// True if REST or RANG came before TYPE A: then the reply has been sent.
bool refused_in_ascii(Session& session, bool has_position);

/// Sends every reply itself; leaves no data connection prepared, unless prepare() refused.
/// @param place given back before the last reply
boost::asio::awaitable<void> run_data_command(Session& session, TransferPlace& place, DataCommand command);

}  // namespace stowage::ftps
