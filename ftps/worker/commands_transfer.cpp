// Verbs with a data connection.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <random>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_command.hpp"
#include "ftps/worker/room.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

// Each data command has a part that asks the filesystem before the 150; it runs on a file thread.

struct Upload {
    std::string path;
    std::optional<Partials::Claim> claim;
};

Result<std::shared_ptr<Upload>> prepare_upload(Worker& worker, const std::string& directory,
                                               const std::string& argument, const std::string& user,
                                               Partials::Start start) {
    TRY(auto path, worker.files.locate(directory, argument));
    CHECK(worker.partials.check(path, start));
    TRY(auto claim, worker.partials.claim(path, user));
    auto upload = std::make_shared<Upload>();
    upload->path = std::move(path);
    upload->claim.emplace(std::move(claim));
    return upload;
}

// Names that STOU tries.
constexpr int max_unique_names = 1000;

std::string unique_name(const std::string& wished, int attempt) {
    static std::random_device random;
    if (wished.empty()) return fmt::format("upload.{:08x}", random());
    return attempt == 0 ? wished : fmt::format("{}.{}", wished, attempt);
}

/// STOU: a name that nobody has, claimed. `wished` may be empty.
Result<std::shared_ptr<Upload>> prepare_unique(Worker& worker, const std::string& directory,
                                               const std::string& wished, const std::string& user) {
    for (int attempt = 0; attempt < max_unique_names; ++attempt) {
        const auto name = unique_name(wished, attempt);
        TRY(const auto path, worker.files.locate(directory, name));
        if (worker.view.look(path)) continue;
        auto prepared = prepare_upload(worker, directory, name, user, {});
        if (!prepared && prepared.error().code == Code::in_use) continue;
        return prepared;
    }
    return Error{Code::exists,
                 fmt::format("{} and the {} names after it are taken", wished, max_unique_names),
                 "choose another name"};
}

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

/// What stands in front of each name of NLST, so that every line is a path that RETR takes.
std::string names_prefix(const ListRequest& request, const std::string& argument) {
    if (argument.empty()) return {};
    if (!request.pattern.empty()) return argument.substr(0, argument.rfind('/') + 1);
    return argument.ends_with('/') ? argument : argument + "/";
}

Result<ListRequest> prepare_listing(Worker& worker, const std::string& directory, const std::string& argument,
                                    ListRequest request) {
    TRY(const auto path, worker.files.locate(directory, argument));
    TRY(request.path, worker.view.known_as(path));
    request = request_for(worker.view, std::move(request));
    TRY(const auto seen, worker.view.stat(request.path));
    if (S_ISDIR(seen.st_mode) && !request.itself) {
        CHECK(worker.files.open_directory(request.path));
    } else if (request.form == ListForm::facts) {
        return Error{Code::usage, argument + ": not a directory", "MLST is for files"};
    }
    if (request.form == ListForm::names) request.prefix = names_prefix(request, argument);
    return request;
}

// A claim's end touches the disk, so it has its place on a file thread, or on the transfer's, if it came to
// that.
Done release_claim(Worker& worker, std::shared_ptr<Upload> upload) {
    if (!upload->claim) co_return;
    auto work = [upload]() -> Result<void> {
        upload->claim.reset();
        return {};
    };
    (void)co_await on_pool(worker.pool, std::move(work));
}

LineEnds line_ends_of(const Session& session) {
    return session.type == DataType::ascii ? LineEnds::converted : LineEnds::kept;
}

// REST or RANG came before TYPE A.
bool refused_in_ascii(Session& session, bool has_position) {
    const bool refused = has_position && session.type == DataType::ascii;
    if (refused)
        session.reply(554,
                      "In TYPE A a transfer starts at byte 0 only; send TYPE I, then REST or RANG again.");
    return refused;
}

DataCommand receive_command(const Session& session, std::string verb, std::shared_ptr<Upload> upload,
                            Partials::Start start) {
    auto& worker = session.worker;
    const auto durability = worker.durability();
    DataCommand command;
    command.verb = std::move(verb);
    command.stores = true;
    command.path = upload->path;
    command.opening = "Ready to receive " + upload->path + ".";
    command.success = durability == Durability::full ? "Complete, and safe on disk." : "Complete.";
    const auto* hashes = worker.config.ftps.upload_hash == UploadHashing::sha256 ? &worker.hashes : nullptr;
    command.work = [&worker, upload, start, line_ends = line_ends_of(session), durability, hashes](
                       DataStream& stream, Transfer& transfer) {
        auto received = receive_file(
            stream, {worker.partials, *upload->claim, start, line_ends, durability, hashes}, transfer);
        upload->claim.reset();
        return received;
    };
    // Before the reply: a client may upload the same name again at once.
    command.release = [&worker, upload] { return release_claim(worker, upload); };
    return command;
}

/// The bytes that were announced for this upload, if there is room for them; else it is refused.
boost::asio::awaitable<std::optional<std::uint64_t>> take_announced(Session& session) {
    const auto announced = std::exchange(session.announced.waiting, 0);
    const auto room = co_await find_room(session, announced);
    if (!room) refuse_full(session, room.error());
    co_return room ? std::optional(announced) : std::nullopt;
}

Done upload(Session& session, std::string verb, std::string argument, Partials::Start start) {
    if (!may_transfer(session) || refused_in_ascii(session, start.offset > 0 || start.end)) co_return;
    auto& worker = session.worker;
    const auto announced = co_await take_announced(session);
    if (!announced) co_return;
    auto work = [&worker, directory = session.directory, argument, user = session.user, start] {
        return prepare_upload(worker, directory, argument, user, start);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(work));
    if (!prepared) {
        const bool bad_position = prepared.error().code == Code::invalid && start.offset > 0;
        session.refuse(bad_position ? 554 : 0, prepared.error());
        co_return;
    }
    session.announced.running = *announced;
    auto command = receive_command(session, std::move(verb), *prepared, start);
    co_await run_data_command(session, std::move(command));
}

Done listing(Session& session, std::string verb, ListForm form, std::string argument) {
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    const auto parsed =
        form == ListForm::facts ? ListArgument{.path = argument} : parse_list_argument(argument);
    ListRequest request;
    request.form = form;
    request.owner = worker.lab;
    request.facts = session.facts;
    request.recursive = parsed.recursive && form == ListForm::long_lines;
    request.itself = parsed.itself;
    auto work = [&worker, directory = session.directory, name = parsed.path, request] {
        return prepare_listing(worker, directory, name, request);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(work));
    if (!prepared) {
        session.refuse(prepared.error());
        co_return;
    }
    DataCommand command;
    command.verb = verb;
    command.path = prepared->path;
    command.opening = "Here comes the listing.";
    command.success = "End of the listing.";
    command.work = [&worker, wanted = *prepared](DataStream& stream, Transfer& transfer) {
        return send_listing(stream, worker.view, wanted, transfer);
    };
    co_await run_data_command(session, std::move(command));
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

/// Where an upload begins and, after RANG, ends; APPE does as STOR then (draft-bryan-ftp-range-08 §4.3).
Partials::Start start_of(Session& session, bool at_end) {
    const auto offset = std::exchange(session.restart_at, 0);
    const auto range = std::exchange(session.range, std::nullopt);
    if (range) return {false, range->begin, range->end};
    return at_end ? Partials::Start{true, 0} : Partials::Start{false, offset};
}

}  // namespace

Done store(Session& session, std::string argument) {
    return upload(session, "STOR", std::move(argument), start_of(session, false));
}

// RFC 1123 §4.1.2.9: the name stands behind "FILE: ", in the 150 and nowhere before.
Done store_unique(Session& session, std::string wished) {
    if (!may_transfer(session)) co_return;
    // A file that is not there yet begins at its beginning.
    session.restart_at = 0;
    session.range.reset();
    auto& worker = session.worker;
    const auto announced = co_await take_announced(session);
    if (!announced) co_return;
    auto work = [&worker, directory = session.directory, wished, user = session.user] {
        return prepare_unique(worker, directory, wished, user);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(work));
    if (!prepared) {
        session.refuse(prepared.error());
        co_return;
    }
    session.announced.running = *announced;
    Partials::Start start;
    start.is_new = true;
    auto command = receive_command(session, "STOU", *prepared, start);
    command.opening = "FILE: " + (*prepared)->path;
    command.success += " FILE: " + (*prepared)->path;
    co_await run_data_command(session, std::move(command));
}

Done append(Session& session, std::string argument) {
    return upload(session, "APPE", std::move(argument), start_of(session, true));
}

Done retrieve(Session& session, std::string argument) {
    return download(session, std::move(argument), std::exchange(session.restart_at, 0),
                    std::exchange(session.range, std::nullopt));
}

Done list_long(Session& session, std::string argument) {
    return listing(session, "LIST", ListForm::long_lines, std::move(argument));
}
Done list_names(Session& session, std::string argument) {
    return listing(session, "NLST", ListForm::names, std::move(argument));
}
Done list_facts(Session& session, std::string argument) {
    return listing(session, "MLSD", ListForm::facts, std::move(argument));
}

}  // namespace stowage::ftps
