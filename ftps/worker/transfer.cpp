// The loops between data connection and file.
// Runs in: worker, on a thread per transfer.
#include "ftps/worker/transfer.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "ftps/worker/file_error.hpp"

namespace stowage::ftps {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
// Written back while more is received, so that the fsync before 226 finds little left to do.
constexpr std::uint64_t write_back_bytes = 16 * 1024 * 1024;
// A listing's first lines leave soon, the rest in full records.
constexpr std::size_t listing_chunk_bytes = 16 * 1024;
constexpr std::chrono::milliseconds listing_pause{50};

Result<void> write_all(const Fd& file, const char* bytes, std::size_t size) {
    while (size > 0) {
        const auto put = ::write(file.get(), bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return file_error(errno, "the upload");
        bytes += put;
        size -= static_cast<std::size_t>(put);
    }
    return {};
}

Result<void> receive_all(DataStream& stream, const Fd& file, bool write_back, Transfer& transfer) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    const auto first = ::lseek(file.get(), 0, SEEK_CUR);
    std::uint64_t received = 0, written_back = 0;
    for (;;) {
        TRY(const auto size, stream.read(buffer.get(), buffer_bytes));
        if (size == 0) return {};
        CHECK(write_all(file, buffer.get(), size));
        received += size;
        transfer.bytes.store(received, std::memory_order_relaxed);
        if (!write_back || received - written_back < write_back_bytes) continue;
        (void)::sync_file_range(file.get(), first + static_cast<off_t>(written_back),
                                static_cast<off_t>(received - written_back), SYNC_FILE_RANGE_WRITE);
        written_back = received;
    }
}

// With no room, what was staged only keeps others out. After an I/O error nobody knows what of it is on disk:
// going on from there could publish a hole.
bool is_useless(const Error& error) {
    return error.code == Code::over_quota || error.code == Code::no_space || error.code == Code::io;
}

Error interrupted(const Transfer& transfer, Error error) {
    if (!transfer.aborted) return error;
    return {Code::cancelled, "the transfer was aborted"};
}

Result<void> end(DataStream& stream, Transfer& transfer) {
    stream.send_end();
    if (auto ended = stream.wait_for_end(); !ended) return interrupted(transfer, ended.error());
    if (transfer.aborted) return interrupted(transfer, {});
    return {};
}

}  // namespace

void Transfer::abort() {
    aborted = true;
    if (socket) (void)::shutdown(socket.get(), SHUT_RDWR);
}

Result<void> receive_file(DataStream& stream, Partials& partials, const Partials::Claim& claim,
                          Partials::Start start, Durability durability, Transfer& transfer) {
    auto file = partials.open(claim, start);
    auto received =
        file ? receive_all(stream, *file, durability == Durability::full, transfer) : file.error();
    if (received && transfer.aborted) received = interrupted(transfer, {});
    if (received) {
        // At once: some clients wait for it before they read the control connection.
        stream.send_end();
        received = partials.publish(claim, *file);
    } else {
        received = interrupted(transfer, received.error());
    }
    if (!received && is_useless(received.error())) partials.discard(claim);
    return received;
}

Result<void> send_file(DataStream& stream, const Fd& file, std::uint64_t offset, Transfer& transfer) {
    (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    for (auto at = static_cast<off_t>(offset);;) {
        const auto got = ::pread(file.get(), buffer.get(), buffer_bytes, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error(errno, "reading");
        if (got == 0) break;
        if (auto sent = stream.write(buffer.get(), static_cast<std::size_t>(got)); !sent)
            return interrupted(transfer, sent.error());
        at += got;
        transfer.bytes.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
    }
    return end(stream, transfer);
}

Result<void> send_listing(DataStream& stream, const LabView& view, const ListRequest& request,
                          Transfer& transfer) {
    std::string chunk;
    Result<void> sent;
    auto last = std::chrono::steady_clock::now() - listing_pause;
    const auto flush = [&] {
        sent = stream.write(chunk.data(), chunk.size());
        transfer.bytes.fetch_add(chunk.size(), std::memory_order_relaxed);
        chunk.clear();
        last = std::chrono::steady_clock::now();
        return sent.has_value();
    };
    const auto listed = list(view, request, [&](std::string_view line) {
        chunk += line;
        const bool due =
            chunk.size() >= listing_chunk_bytes || std::chrono::steady_clock::now() - last >= listing_pause;
        return due ? flush() : true;
    });
    if (sent && !chunk.empty()) flush();
    if (!sent) return interrupted(transfer, sent.error());
    if (!listed) return listed.error();
    return end(stream, transfer);
}

}  // namespace stowage::ftps
