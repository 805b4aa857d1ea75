// One logged-in FTP session.
// Runs in: worker. Distrusts: every command, in every order and at every moment.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "ftps/worker/byte_range.hpp"
#include "ftps/worker/control_link.hpp"
#include "ftps/worker/data_connection.hpp"
#include "ftps/worker/digest.hpp"
#include "ftps/worker/inbox.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/transfer.hpp"
#include "ftps/worker/usage.hpp"
#include "ftps/worker/waiting.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::ftps {

struct Worker;

/// TYPE (RFC 959 §3.1.1). Its default there is A, but a client that never says TYPE expects its bytes back:
/// `unsaid` passes files as they are.
enum class DataType { unsaid, ascii, image };

/// Lives in the frame of serve(). One thread, but a transfer's thread uses put_opening(), say_opening() and
/// the link too, and reads what does not change.
struct Session {
    Session(Worker& worker, const message::SessionStart& start, Fd socket, Ends ends);

    Worker& worker;
    const std::uint64_t number;
    const message::Nonce nonce;
    const std::string user;
    const bool control_is_tls13;
    ControlLink link;
    DataConnection data;

    std::string directory = "/";
    std::uint64_t restart_at = 0;                          // REST
    std::optional<ByteRange> range;                        // RANG
    HashAlgorithm hash_algorithm = HashAlgorithm::sha256;  // OPTS HASH
    std::optional<std::string> rename_from;                // RNFR
    std::optional<std::string> copy_from;                  // SITE CPFR
    Announced announced;                                   // ALLO
    unsigned refused_in_a_row = 0;                         // uploads without room
    unsigned facts = default_facts;                        // OPTS MLST
    bool prot_private = false;
    bool epsv_all = false;
    DataType type = DataType::unsaid;

    // What the reader has brought and the main loop has not done yet.
    CommandReader reader;
    Inbox inbox;
    Event wake, room, reader_ended;
    bool gone = false;               // the control connection is
    bool leaving = false;            // QUIT, idle, drain: nothing more is read
    bool draining = false;           // leave when nothing is left to do
    const char* farewell = nullptr;  // the text of a 421: leave with it after what runs

    // While a data command or a long command runs.
    bool transferring = false;
    bool aborting = false;
    bool asked_meanwhile = false;  // NOOP or STAT was answered
    int open_reply = 0;            // the code of a reply whose first lines have been sent
    std::chrono::steady_clock::time_point transfer_began;
    std::shared_ptr<Transfer> transfer;

    // For `stowage sessions`: the client's words about itself, and what it is doing.
    std::string client;
    std::string verb, path;  // empty: it waits for a command
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();  // began, or waits

    void reply(int code, std::string_view text);
    /// The reply for a refusal: what, the lab's room as last known if that is the reason, and the remedy.
    void refuse(const Error& error);
    /// A refusal with another code than the table's.
    void refuse(int code, const Error& error);
    /// An error as it is.
    void tell(int code, const Error& error);
    /// From here on say_opening() has something to say, once: a 150. Any thread, as say_opening() itself.
    void put_opening(std::string text);
    /// Sends the 150 of the data command if that has not been done.
    void say_opening();
    bool has_opening();
    /// A further line of the open reply: how far the long command is.
    void tell_progress();
    /// Ends the running data command or long command, wherever it waits.
    void abort_transfer();
    /// Does that, and then nothing more of what the client has asked. @param farewell_ text of the 421
    void leave_after_this(const char* farewell_);
    /// True if nobody wants the data command any more that is about to begin: the client said ABOR while the
    /// filesystem was asked, or it is gone, or has to go.
    bool is_unwanted() const;

  private:
    std::mutex opening_mutex_;
    std::optional<std::string> opening_;  // the text of a 150 that has not been sent
};

/// The whole life of a session, from the 230 to the end of the control connection.
boost::asio::awaitable<void> serve(Worker& worker, message::SessionStart start, Fd socket);

}  // namespace stowage::ftps
