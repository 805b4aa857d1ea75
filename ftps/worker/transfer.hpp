// The bytes of one data connection: an upload, a download, a listing.
// Runs in: worker, on a thread per transfer. Distrusts: the peer's pace and where it stops.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "ftps/worker/byte_range.hpp"
#include "ftps/worker/data_stream.hpp"
#include "ftps/worker/hash_attribute.hpp"
#include "ftps/worker/listing.hpp"
#include "ftps/worker/partials.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// What becomes of line ends: nothing, or what TYPE A asks for.
enum class LineEnds { kept, converted };

/// What the session and the thread share while a transfer runs. The thread has its socket; what the session
/// calls are const members and abort().
class Transfer {
  public:
    struct Subject {
        std::string name;        ///< "STOR /file"
        std::string path;        ///< "/file"
        std::uint64_t size = 0;  ///< of a download; 0 if nobody knows
    };

    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> files{0};  ///< of an archive that is being unpacked
    std::atomic<bool> aborted{false};
    std::string sha256;  ///< in hexadecimal, of the whole file; the thread sets it before it ends

    /// Once, when it is known what it is about and nothing stands against it.
    void begin(Subject subject, bool waits_for_connection);
    bool has_begun() const { return begun_; }
    /// The thread's last word: the client is about to hear of the end.
    void set_over() { over_ = true; }
    bool is_over() const { return over_; }
    /// Of one that has begun.
    const Subject& subject() const { return subject_; }
    bool waits_for_connection() const { return waits_; }

    /// The connection; false, and it is closed, if the transfer was aborted before.
    bool take(Fd socket);
    int socket() const { return socket_.get(); }
    /// The transfer has none from here on.
    Fd take_out();

    /// "123 bytes", or "4 files, 123 bytes" where files are counted.
    std::string amount() const;
    /// Ends every wait of the thread on the connection. Does not block.
    void abort();

  private:
    Subject subject_;
    std::atomic<bool> begun_{false}, waits_{false}, over_{false};
    std::mutex mutex_;  // of socket_, when it changes and when it is shut down
    Fd socket_;
};

/// Where an upload goes, and how.
struct Receiving {
    Partials& partials;
    const Partials::Claim& claim;
    Partials::Start start;
    LineEnds line_ends;
    Durability durability;
    const HashAttribute* hashes;  ///< none: uploads are not hashed
};

/// STOR, APPE: receives until close_notify, answers it, then publishes; when this returns success the file is
/// durable under its name. Otherwise the old file is as it was (unless the error is not_safe(), which says
/// so); the partial stays, but where there was no room only what it had before, and after an I/O error
/// nothing. With a range (RANG), exactly its bytes must come.
Result<void> receive_file(DataStream& stream, const Receiving& upload, Transfer& transfer);

/// RETR of a range; it ends where the file ends.
Result<void> send_file(DataStream& stream, const Fd& file, ByteRange range, LineEnds line_ends,
                       Transfer& transfer);

/// LIST, NLST, MLSD.
Result<void> send_listing(DataStream& stream, const LabView& view, const ListRequest& request,
                          Transfer& transfer);

}  // namespace stowage::ftps
