// Verbs with a data connection.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_command.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

struct Upload {
    std::string path;
    std::optional<Partials::Claim> claim;
};

// A claim's end touches the disk, so it has its place on a file thread.
Done release_claim(Worker& worker, std::shared_ptr<Upload> upload) {
    (void)co_await on_pool(worker.pool, [upload]() -> Result<void> {
        upload->claim.reset();
        return {};
    });
}

Done upload(Session& session, std::string verb, std::string argument, Partials::Start start) {
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    const auto prepared =
        co_await on_pool(worker.pool,
                         [&worker, directory = session.directory, argument, user = session.user,
                          start]() -> Result<std::shared_ptr<Upload>> {
                             TRY(auto path, worker.files.locate(directory, argument));
                             CHECK(worker.partials.check(path, start));
                             TRY(auto claim, worker.partials.claim(path, user));
                             return std::make_shared<Upload>(Upload{std::move(path), std::move(claim)});
                         });
    if (!prepared) {
        const bool bad_position = prepared.error().code == Code::invalid && start.offset > 0;
        session.refuse(bad_position ? 554 : 0, prepared.error());
        co_return;
    }
    const auto upload = *prepared;
    const bool durable = worker.config.ftps.durability == Durability::full;
    DataCommand command{verb, upload->path, "Ready to receive " + upload->path + ".", {}, {}, {}};
    command.work = [&worker, upload, start](DataStream& stream, Transfer& transfer) {
        return receive_file(stream, worker.partials, *upload->claim, start, worker.config.ftps.durability,
                            transfer);
    };
    command.success = durable ? "Complete, and safe on disk." : "Complete.";
    // Before the reply: a client may upload the same name again at once.
    command.release = [&worker, upload] { return release_claim(worker, upload); };
    co_await run_data_command(session, std::move(command));
}

struct Download {
    std::string path;
    Fd file;
    std::uint64_t size = 0;
};

Done listing(Session& session, std::string verb, ListForm form, std::string argument) {
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    ListRequest request;
    request.form = form;
    request.owner = worker.lab;
    request.facts = session.facts;
    auto parsed = form == ListForm::facts ? ListArgument{false, argument} : parse_list_argument(argument);
    request.recursive = parsed.recursive && form == ListForm::long_lines;
    auto prepared = co_await on_pool(
        worker.pool,
        [&worker, request, directory = session.directory,
         name = parsed.path]() mutable -> Result<ListRequest> {
            TRY(request.path, worker.files.locate(directory, name));
            request = request_for(worker.view, std::move(request));
            TRY(const auto seen, worker.view.stat(request.path));
            const bool is_directory = S_ISDIR(seen.st_mode);
            if (is_directory) CHECK(worker.files.open_directory(request.path));
            if (!is_directory && request.form == ListForm::facts)
                return Error{Code::invalid, name + ": not a directory", "MLST is for files"};
            if (request.form == ListForm::names && !name.empty())
                request.prefix = request.pattern.empty() ? name + "/" : name.substr(0, name.rfind('/') + 1);
            if (request.prefix.ends_with("//")) request.prefix.pop_back();
            return request;
        });
    if (!prepared) {
        session.refuse(prepared.error().code == Code::invalid ? 501 : 0, prepared.error());
        co_return;
    }
    DataCommand command{verb, prepared->path, "Here comes the listing.", {}, "End of the listing.", {}};
    command.work = [&worker, request = *prepared](DataStream& stream, Transfer& transfer) {
        return send_listing(stream, worker.view, request, transfer);
    };
    co_await run_data_command(session, std::move(command));
}

}  // namespace

Done store(Session& session, std::string argument) {
    return upload(session, "STOR", std::move(argument), {false, std::exchange(session.restart_at, 0)});
}

Done append(Session& session, std::string argument) {
    session.restart_at = 0;
    return upload(session, "APPE", std::move(argument), {true, 0});
}

Done retrieve(Session& session, std::string argument) {
    const auto offset = std::exchange(session.restart_at, 0);
    if (!may_transfer(session)) co_return;
    auto& worker = session.worker;
    auto prepared = co_await on_pool(
        worker.pool,
        [&worker, directory = session.directory, argument]() -> Result<std::shared_ptr<Download>> {
            TRY(auto path, worker.files.locate(directory, argument));
            TRY(auto file, worker.view.open_for_reading(path));
            struct stat seen {};
            if (::fstat(file.get(), &seen) != 0) return system_error(errno, path);
            return std::make_shared<Download>(
                Download{std::move(path), std::move(file), static_cast<std::uint64_t>(seen.st_size)});
        });
    if (!prepared) {
        session.refuse(prepared.error());
        co_return;
    }
    const auto download = std::move(*prepared);
    if (offset > download->size) {
        session.reply(554, fmt::format("The file has {} bytes; it cannot be read from byte {} on.",
                                       download->size, offset));
        co_return;
    }
    DataCommand command{"RETR", download->path, fmt::format("Here come {} bytes.", download->size - offset),
                        {},     "Complete.",    {}};
    command.work = [download, offset](DataStream& stream, Transfer& transfer) {
        return send_file(stream, download->file, offset, transfer);
    };
    co_await run_data_command(session, std::move(command));
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
