// Verbs with a data connection.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

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

struct Download {
    std::string path;
    Fd file;
    std::uint64_t size = 0;
};

Result<std::shared_ptr<Download>> prepare_download(Worker& worker, const std::string& directory,
                                                   const std::string& argument) {
    auto download = std::make_shared<Download>();
    TRY(download->path, worker.files.locate(directory, argument));
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
    TRY(request.path, worker.files.locate(directory, argument));
    request = request_for(worker.view, std::move(request));
    TRY(const auto seen, worker.view.stat(request.path));
    if (S_ISDIR(seen.st_mode)) {
        CHECK(worker.files.open_directory(request.path));
    } else if (request.form == ListForm::facts) {
        return Error{Code::usage, argument + ": not a directory", "MLST is for files"};
    }
    if (request.form == ListForm::names) request.prefix = names_prefix(request, argument);
    return request;
}

// A claim's end touches the disk, so it has its place on a file thread.
Done release_claim(Worker& worker, std::shared_ptr<Upload> upload) {
    auto work = [upload]() -> Result<void> {
        upload->claim.reset();
        return {};
    };
    (void)co_await on_pool(worker.pool, std::move(work));
}

Done upload(Session& session, std::string verb, std::string argument, Partials::Start start) {
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    const auto announced = std::exchange(session.announced.waiting, 0);
    const auto room = co_await find_room(session, announced);
    if (!room) {
        refuse_full(session, room.error());
        co_return;
    }
    auto work = [&worker, directory = session.directory, argument, user = session.user, start] {
        return prepare_upload(worker, directory, argument, user, start);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(work));
    if (!prepared) {
        const bool bad_position = prepared.error().code == Code::invalid && start.offset > 0;
        session.refuse(bad_position ? 554 : 0, prepared.error());
        co_return;
    }
    const auto upload = *prepared;
    const auto durability = worker.config.ftps.durability;
    const auto* hashes = worker.config.ftps.upload_hash == UploadHashing::sha256 ? &worker.hashes : nullptr;
    session.announced.running = announced;
    DataCommand command;
    command.verb = verb;
    command.stores = true;
    command.path = upload->path;
    command.opening = "Ready to receive " + upload->path + ".";
    command.success = durability == Durability::full ? "Complete, and safe on disk." : "Complete.";
    command.work = [&worker, upload, start, durability, hashes](DataStream& stream, Transfer& transfer) {
        return receive_file(stream, {worker.partials, *upload->claim, start, durability, hashes}, transfer);
    };
    // Before the reply: a client may upload the same name again at once.
    command.release = [&worker, upload] { return release_claim(worker, upload); };
    co_await run_data_command(session, std::move(command));
}

Done listing(Session& session, std::string verb, ListForm form, std::string argument) {
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    const auto parsed =
        form == ListForm::facts ? ListArgument{false, argument} : parse_list_argument(argument);
    ListRequest request;
    request.form = form;
    request.owner = worker.lab;
    request.facts = session.facts;
    request.recursive = parsed.recursive && form == ListForm::long_lines;
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
    if (!may_transfer(session)) co_return;
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
    const auto sent = range.value_or(ByteRange{offset, std::numeric_limits<std::int64_t>::max()});
    const auto last = std::min(sent.end, download->size);
    DataCommand command;
    command.verb = "RETR";
    command.path = download->path;
    command.opening = fmt::format("Here come {} bytes.", last - std::min(sent.begin, last));
    command.success = "Complete.";
    command.work = [download, sent](DataStream& stream, Transfer& transfer) {
        return send_file(stream, download->file, sent, transfer);
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
