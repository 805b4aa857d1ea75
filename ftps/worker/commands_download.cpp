// RETR.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_command.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

// What asks the filesystem before the 150 runs on a file thread.

struct Download {
    std::string path;
    Fd file;
    std::uint64_t size = 0;
};

Result<std::shared_ptr<Download>> prepare_download(Worker& worker, const std::string& directory,
                                                   const std::string& argument) {
    auto download = std::make_shared<Download>();
    TRY(const auto path, worker.files.locate(directory, argument));
    TRY(download->path, worker.view.known_as(path));
    TRY(download->file, worker.view.open_for_reading(download->path));
    struct stat seen {};
    if (::fstat(download->file.get(), &seen) != 0) return system_error(errno, download->path);
    download->size = static_cast<std::uint64_t>(seen.st_size);
    return download;
}

Done download(Session& session, std::string argument, std::uint64_t offset, std::optional<ByteRange> range) {
    if (!may_transfer(session) || refused_in_ascii(session, offset > 0 || range)) co_return;
    auto& worker = session.worker;
    auto work = [&worker, directory = session.directory, argument] {
        return prepare_download(worker, directory, argument);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(work));
    if (!prepared) {
        session.refuse(prepared.error());
        co_return;
    }
    const auto download = *prepared;
    if (offset > download->size) {
        session.reply(554, fmt::format("The file has {} bytes; it cannot be read from byte {} on.",
                                       download->size, offset));
        co_return;
    }
    // A range behind the end is empty (draft-bryan-ftp-range-08 §4.3); without one, what is added meanwhile
    // is sent too.
    auto sent = range.value_or(ByteRange{offset, std::numeric_limits<std::int64_t>::max()});
    if (range && sent.begin >= download->size) sent.end = sent.begin;
    const auto last = std::min(sent.end, download->size);
    DataCommand command;
    command.verb = "RETR";
    command.path = download->path;
    const auto line_ends = line_ends_of(session);
    command.size = line_ends == LineEnds::kept ? last - std::min(sent.begin, last) : 0;
    command.opening = line_ends == LineEnds::kept ? fmt::format("Here come {} bytes.", command.size)
                                                  : "Here come lines of text, each with CR LF.";
    command.success = "Complete.";
    command.by_kernel = line_ends == LineEnds::kept;
    command.work = [download, sent, line_ends](DataStream& stream, Transfer& transfer) {
        return send_file(stream, download->file, sent, line_ends, transfer);
    };
    co_await run_data_command(session, std::move(command));
}

}  // namespace

Done retrieve(Session& session, std::string argument) {
    return download(session, std::move(argument), std::exchange(session.restart_at, 0),
                    std::exchange(session.range, std::nullopt));
}

}  // namespace stowage::ftps
