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

/// What RETR was told to send.
struct Wanted {
    std::string directory, argument;
    std::uint64_t offset = 0;
    std::optional<ByteRange> range;
    LineEnds line_ends = LineEnds::kept;
};

/// A range behind the end is empty (draft-bryan-ftp-range-08 §4.3); without one, what is added meanwhile is
/// sent too.
ByteRange sent_of(const Wanted& wanted, std::uint64_t size) {
    auto sent = wanted.range.value_or(ByteRange{wanted.offset, std::numeric_limits<std::int64_t>::max()});
    if (wanted.range && sent.begin >= size) sent.end = sent.begin;
    return sent;
}

Result<void> prepare_download(Worker& worker, const Wanted& wanted, DataCommand& command) {
    TRY(const auto path, worker.files.locate(wanted.directory, wanted.argument));
    TRY(command.path, worker.view.known_as(path));
    TRY(auto opened, worker.view.open_for_reading(command.path));
    const auto file = std::make_shared<const Fd>(std::move(opened));
    struct stat seen {};
    if (::fstat(file->get(), &seen) != 0) return system_error(errno, command.path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (wanted.offset > size) {
        command.refusal = 554;
        return Error{Code::invalid, fmt::format("The file has {} bytes; it cannot be read from byte {}", size,
                                                wanted.offset)};
    }
    const auto sent = sent_of(wanted, size);
    const auto last = std::min(sent.end, size);
    if (wanted.line_ends == LineEnds::kept) {
        command.size = last - std::min(sent.begin, last);
        command.opening = fmt::format("Here come {} bytes.", command.size);
    } else {
        command.opening = "Here come lines of text, each with CR LF.";
    }
    command.work = [file, sent, line_ends = wanted.line_ends](DataStream& stream, Transfer& transfer) {
        return send_file(stream, *file, sent, line_ends, transfer);
    };
    return {};
}

Done download(Session& session, std::string argument, std::uint64_t offset, std::optional<ByteRange> range) {
    const auto place = take_place(session);
    if (!place || refused_in_ascii(session, offset > 0 || range)) co_return;
    const Wanted wanted{session.directory, std::move(argument), offset, range, line_ends_of(session)};
    DataCommand command;
    command.verb = "RETR";
    command.success = "Complete.";
    command.by_kernel = wanted.line_ends == LineEnds::kept;
    command.prepare = [&worker = session.worker, wanted](DataCommand& filled) {
        return prepare_download(worker, wanted, filled);
    };
    co_await run_data_command(session, *place, std::move(command));
}

}  // namespace

Done retrieve(Session& session, std::string argument) {
    return download(session, std::move(argument), std::exchange(session.restart_at, 0),
                    std::exchange(session.range, std::nullopt));
}

}  // namespace stowage::ftps
