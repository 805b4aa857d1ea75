// LIST, NLST and MLSD.
// Runs in: worker. Distrusts: arguments.
#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_command.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

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

Done listing(Session& session, std::string verb, ListForm form, std::string argument) {
    // A position is for the file that comes next (RFC 3659 §5), not for one behind this listing.
    session.restart_at = 0;
    session.range.reset();
    const auto place = take_place(session);
    if (!place) co_return;
    auto& worker = session.worker;
    const auto parsed =
        form == ListForm::facts ? ListArgument{.path = argument} : parse_list_argument(argument);
    ListRequest request;
    request.form = form;
    request.owner = worker.lab;
    request.facts = session.facts;
    request.recursive = parsed.recursive && form == ListForm::long_lines;
    request.itself = parsed.itself;
    DataCommand command;
    command.verb = verb;
    command.success = "End of the listing.";
    command.prepare = [&worker, directory = session.directory, name = parsed.path,
                       request](DataCommand& filled) -> Result<void> {
        TRY(auto wanted, prepare_listing(worker, directory, name, request));
        filled.path = wanted.path;
        filled.opening = "Here comes the listing.";
        filled.work = [&worker, wanted = std::move(wanted)](DataStream& stream, Transfer& transfer) {
            return send_listing(stream, worker.view, wanted, transfer);
        };
        return {};
    };
    co_await run_data_command(session, *place, std::move(command));
}

}  // namespace

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
