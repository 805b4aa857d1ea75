// The loops between data connection and file.
// Runs in: worker, on a thread per transfer.
#include "ftps/worker/transfer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/line_ends.hpp"
#include "ftps/worker/upload_hash.hpp"
#include "ftps/worker/write_back.hpp"
#include "gateway/base/counted.hpp"

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
// Of one sendfile(2): between two of them an abort is noticed, and STAT sees how far it is.
constexpr std::size_t piece_bytes = 1024 * 1024;
// What a crash of the worker may lose of an upload that never had to be waited for.
constexpr std::uint64_t unmarked_bytes = buffer_bytes;
// A listing's first lines leave soon, the rest in full records, several at once.
constexpr std::size_t listing_chunk_bytes = 64 * 1024;
constexpr std::chrono::milliseconds listing_pause{50};
// For the hash of an upload that went on: clients give up after 20 s (FileZilla) and more.
constexpr std::chrono::seconds hash_patience{10};
constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

Result<void> write_all(const Fd& file, std::string_view bytes, Ledger& ledger) {
    CHECK(ledger.take(bytes.size()));
    while (!bytes.empty()) {
        const auto put = ::write(file.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            const int failed = errno;
            ledger.give(bytes.size());
            return file_error(failed, "the upload");
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Error wrong_size(std::uint64_t announced, std::uint64_t came) {
    return {Code::protocol,
            came > announced ? fmt::format("RANG announced {} bytes, and more came", announced)
                             : fmt::format("RANG announced {} bytes, and {} came", announced, came),
            "send RANG again, then exactly those bytes"};
}

/// @param most bytes that may come; @param hash may be null
Result<std::uint64_t> receive_all(DataStream& stream, const Fd& file, const Receiving& upload,
                                  std::uint64_t most, UploadHash* hash, Transfer& transfer) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    WriteBack disk(file);
    LocalLines lines;
    bool marked = false;
    const auto keep = [&](std::string_view bytes) -> Result<void> {
        CHECK(write_all(file, bytes, upload.partials.ledger()));
        if (hash) hash->received(bytes.data(), bytes.size());
        return upload.durability == Durability::full ? disk.wrote(bytes.size()) : Result<void>();
    };
    for (std::uint64_t came = 0;;) {
        if (!marked && (came >= unmarked_bytes || (came > 0 && !stream.has_something()))) {
            CHECK(upload.partials.mark(upload.claim, file));
            marked = true;
        }
        TRY(const auto size, stream.read(buffer.get(), buffer_bytes));
        if (size == 0) {
            CHECK(keep(lines.rest()));
            return came;
        }
        if (size > most - came) return wrong_size(most, came + size);
        came += size;
        const std::string_view received(buffer.get(), size);
        CHECK(keep(upload.line_ends == LineEnds::converted ? lines.take(received) : received));
        transfer.bytes.store(came, std::memory_order_relaxed);
    }
}

// With no room, what was staged only keeps others out: what this upload brought goes again, what an earlier
// one had staged stays. After an I/O error nobody knows what of it is on disk: going on from there could
// publish a hole.
void clean_up(Partials& partials, const Partials::Claim& claim, const Error& error) {
    if (is_full(error))
        partials.take_back(claim);
    else if (error.code == Code::io)
        partials.discard(claim);
}

bool leaves_partial(const Error& error) {
    return !is_full(error) && error.code != Code::io;
}

Error interrupted(const Transfer& transfer, Error error) {
    if (!transfer.aborted) return error;
    return {Code::cancelled, "the transfer was aborted"};
}

Result<void> end(DataStream& stream, Transfer& transfer) {
    if (auto sent = stream.send_end(); !sent) return interrupted(transfer, sent.error());
    if (auto ended = stream.wait_for_end(); !ended) return interrupted(transfer, ended.error());
    if (transfer.aborted) return interrupted(transfer, {});
    return {};
}

}  // namespace

std::string Transfer::amount() const {
    const auto bytes_now = bytes.load();
    const auto bytes_text = counted(bytes_now, "byte");
    return files > 0 ? counted(files.load(), "file") + ", " + bytes_text : bytes_text;
}

void Transfer::begin(Subject subject, bool waits_for_connection) {
    subject_ = std::move(subject);
    waits_ = waits_for_connection;
    begun_ = true;
}

bool Transfer::take(Fd socket) {
    const std::lock_guard lock(mutex_);
    if (aborted) return false;
    socket_ = std::move(socket);
    waits_ = false;
    return true;
}

Fd Transfer::take_out() {
    const std::lock_guard lock(mutex_);
    return std::move(socket_);
}

void Transfer::abort() {
    const std::lock_guard lock(mutex_);
    aborted = true;
    if (socket_) (void)::shutdown(socket_.get(), SHUT_RDWR);
}

namespace {

/// Everything is there and on its way to the disk: publishes it, and keeps its hash.
Result<void> complete(const Receiving& upload, const Fd& file, UploadHash* hash, Transfer& transfer) {
    struct stat written {};
    if (hash && ::fstat(file.get(), &written) != 0) return file_error(errno, "the upload");
    CHECK(upload.partials.publish(upload.claim, file, upload.durability, 0660, !upload.start.is_new));
    // From this look on nobody changes it unnoticed: publish() was the last to move its ctime.
    struct stat published {};
    if (!hash || ::fstat(file.get(), &published) != 0) return {};
    const auto sha256 = hash->finish(static_cast<std::uint64_t>(written.st_size), hash_patience);
    if (!sha256) return {};
    if (upload.durability == Durability::full && same_content(written, published))
        upload.hashes->remember(file, published, *sha256);
    transfer.sha256 = to_hex(*sha256);
    return {};
}

/// Partials::open(): what is copied meanwhile is counted, then the bytes that come.
Result<Fd> open_copied(const Receiving& upload, Transfer& transfer) {
    auto file = upload.partials.open(upload.claim, upload.start, [&transfer](std::uint64_t bytes) {
        transfer.bytes.fetch_add(bytes, std::memory_order_relaxed);
        return !transfer.aborted;
    });
    transfer.bytes.store(0, std::memory_order_relaxed);
    return file;
}

}  // namespace

Result<void> receive_file(DataStream& stream, const Receiving& upload, Transfer& transfer) {
    const auto opened = open_copied(upload, transfer);
    const auto receive = [&](const Fd& file) -> Result<void> {
        std::optional<UploadHash> hash;
        if (upload.hashes) hash.emplace(file, static_cast<std::uint64_t>(::lseek(file.get(), 0, SEEK_CUR)));
        auto* hashing = hash ? &*hash : nullptr;
        const auto most = upload.start.end ? *upload.start.end - upload.start.offset : no_limit;
        TRY(const auto received, receive_all(stream, file, upload, most, hashing, transfer));
        if (transfer.aborted) return interrupted(transfer, {});
        if (upload.start.end && received < most) return wrong_size(most, received);
        // At once: some clients wait for it before they read the control connection.
        (void)stream.send_end();
        return complete(upload, file, hashing, transfer);
    };
    auto received = opened ? receive(*opened) : Result<void>(opened.error());
    // Bytes that were lost count whether or not they are still wanted.
    if (!received && received.error().code != Code::io) received = interrupted(transfer, received.error());
    if (!received && opened && leaves_partial(received.error()) && upload.durability == Durability::full)
        if (const auto settled = upload.partials.settle(upload.claim, *opened); !settled)
            received = settled.error();
    if (!received) {
        // At once here too: who sends on, see throw_away_rest(), may wait for it before reading the reply.
        if (is_full(received.error())) (void)stream.send_end();
        clean_up(upload.partials, upload.claim, received.error());
    }
    return received;
}

namespace {

/// The kernel reads, encrypts and sends: no byte of the file comes through here.
Result<void> send_by_kernel(DataStream& stream, const Fd& file, ByteRange range, Transfer& transfer) {
    for (auto at = range.begin; at < range.end;) {
        const auto wanted = std::min<std::uint64_t>(range.end - at, piece_bytes);
        const auto sent = stream.send_from(file, at, wanted);
        if (!sent) return interrupted(transfer, sent.error());
        if (*sent == 0) break;
        at += *sent;
        transfer.bytes.fetch_add(*sent, std::memory_order_relaxed);
    }
    return end(stream, transfer);
}

}  // namespace

Result<void> send_file(DataStream& stream, const Fd& file, ByteRange range, LineEnds line_ends,
                       Transfer& transfer) {
    (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    if (line_ends == LineEnds::kept && stream.kernel_sends())
        return send_by_kernel(stream, file, range, transfer);
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    NetworkLines lines;
    for (auto at = range.begin; at < range.end;) {
        const auto wanted = std::min<std::uint64_t>(range.end - at, buffer_bytes);
        const auto got = ::pread(file.get(), buffer.get(), wanted, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error(errno, "reading");
        if (got == 0) break;
        const std::string_view read(buffer.get(), static_cast<std::size_t>(got));
        const auto bytes = line_ends == LineEnds::converted ? lines.take(read) : read;
        // A short read is the end of the file, as a rule.
        const bool is_last = static_cast<std::uint64_t>(got) < wanted || at + wanted == range.end;
        auto sent = is_last ? stream.write_last(bytes.data(), bytes.size())
                            : stream.write(bytes.data(), bytes.size());
        if (!sent) return interrupted(transfer, sent.error());
        at += static_cast<std::uint64_t>(got);
        transfer.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    }
    return end(stream, transfer);
}

namespace {

/// To a few milliseconds, for it is asked once a line.
std::chrono::nanoseconds moment() {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Result<void> send_listing(DataStream& stream, const LabView& view, const ListRequest& request,
                          Transfer& transfer) {
    std::string chunk;
    Result<void> sent;
    auto last = moment() - listing_pause;
    const auto flush = [&](bool is_last = false) {
        sent = is_last ? stream.write_last(chunk.data(), chunk.size())
                       : stream.write(chunk.data(), chunk.size());
        transfer.bytes.fetch_add(chunk.size(), std::memory_order_relaxed);
        chunk.clear();
        last = moment();
        return sent.has_value();
    };
    const LineSink send = [&](std::string_view line) {
        chunk += line;
        const bool due = chunk.size() >= listing_chunk_bytes || moment() - last >= listing_pause;
        return due ? flush() : true;
    };
    const auto listed = list(view, request, send, &transfer.aborted);
    // One that is not whole leaves at once: it is told so, and not ended.
    if (sent && !chunk.empty()) flush(listed.has_value());
    if (!sent) return interrupted(transfer, sent.error());
    if (!listed) return listed.error();
    return end(stream, transfer);
}

}  // namespace stowage::ftps
