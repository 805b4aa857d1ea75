// Verbs about files and directories that need no data connection.
// Runs in: worker; the work itself on the file threads. Distrusts: arguments.
#include <unistd.h>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/fact_arguments.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/on_path.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/site_commands.hpp"

namespace stowage::ftps {

namespace {

// FileZilla makes directories from several connections at once, and goes on at this text alone.
constexpr const char* directory_exists = "Directory already exists";

}  // namespace

Done print_directory(Session& session, std::string) {
    session.link.send(reply_with_name(257, quoted(session.directory) + " is the current directory."));
    co_return;
}

Done change_directory(Session& session, std::string argument) {
    const auto path = co_await on_known_path(
        session, argument, [](Worker& worker, const std::string& to) -> Result<std::string> {
            TRY(const auto opened, worker.files.open_directory(to));
            if (!(LabFiles::rights(opened.get()) & X_OK)) return file_error(EACCES, to);
            return to;
        });
    if (!path) {
        session.refuse(path.error());
        co_return;
    }
    session.directory = *path;
    session.link.send(reply_with_name(250, "The directory is " + quoted(*path) + "."));
}

Done change_up(Session& session, std::string) {
    return change_directory(session, "..");
}

Done make_directory(Session& session, std::string argument) {
    auto work = [](Worker& worker, const std::string& made) -> Result<std::string> {
        CHECK(worker.partials.check_free(made));
        auto done = worker.files.make_directory(made);
        if (done) return made;
        const auto there = worker.files.stat(made);
        if (done.error().code == Code::exists && there && S_ISDIR(there->st_mode))
            return Error{Code::exists, directory_exists};
        return done.error();
    };
    const auto path = co_await on_path(session, argument, std::move(work));
    if (path)
        session.link.send(reply_with_name(257, quoted(*path) + " was made."));
    else if (path.error().what == directory_exists)
        session.reply(550, directory_exists);
    else
        session.refuse(path.error());
}

Done remove_directory(Session& session, std::string argument) {
    const auto removed = co_await on_known_path(
        session, argument,
        [](Worker& worker, const std::string& path) { return worker.view.remove_directory(path); });
    if (removed)
        session.reply(250, "The directory was removed.");
    else
        session.refuse(removed.error());
}

Done remove_file(Session& session, std::string argument) {
    const auto removed = co_await on_known_path(
        session, argument,
        [](Worker& worker, const std::string& path) { return worker.view.remove_file(path); });
    if (removed) session.refused_in_a_row = 0;  // there may be room now
    if (!removed)
        session.refuse(removed.error());
    else if (*removed == LabView::Removed::partial)
        session.reply(250, "The unfinished upload was removed; a complete file of that name stays.");
    else
        session.reply(250, "The file was removed.");
}

Done rename_from(Session& session, std::string argument) {
    const auto path = co_await on_known_path(
        session, argument, [](Worker& worker, const std::string& from) -> Result<std::string> {
            CHECK(worker.view.look(from));
            return from;
        });
    if (!path) {
        session.refuse(path.error());
        co_return;
    }
    session.rename_from = *path;
    session.reply(350, "Send RNTO with the new name.");
}

Done rename_to(Session& session, std::string argument) {
    const auto from = std::exchange(session.rename_from, std::nullopt);
    if (!from) {
        session.reply(503, "Send RNFR with the old name first.");
        co_return;
    }
    auto rename = [old = *from](Worker& worker, const std::string& to) {
        return worker.hashes.keep(worker.files.open_for_reading(old), false,
                                  [&] { return worker.view.rename(old, to); });
    };
    const auto renamed = co_await on_path(session, argument, std::move(rename));
    if (renamed)
        session.reply(250, "Renamed.");
    else
        session.refuse(renamed.error());
}

Done site_chmod(Session& session, std::string argument) {
    const auto [digits, name] = split_word(argument);
    const auto bits = parse_mode(digits);
    if (!bits || name.empty()) {
        session.reply(501, "SITE CHMOD takes an octal mode and a path.");
        co_return;
    }
    auto work = [mode = *bits](Worker& worker, const std::string& path) {
        return worker.hashes.keep(worker.files.open_for_reading(path), false,
                                  [&] { return worker.files.set_mode(path, mode); });
    };
    const auto set = co_await on_known_path(session, name, std::move(work));
    if (set && (*bits & 07))
        session.reply(200, "The mode was set, but for the rights of others: they have none in a lab.");
    else if (set)
        session.reply(200, "The mode was set.");
    else
        session.refuse(set.error());
}

}  // namespace stowage::ftps
