// Verbs about files and directories that need no data connection.
// Runs in: worker; the work itself on the file threads. Distrusts: arguments.
#include <fmt/format.h>

#include <charconv>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/on_path.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/site_commands.hpp"

namespace stowage::ftps {

Done print_directory(Session& session, std::string) {
    session.reply(257, quoted(session.directory) + " is the current directory.");
    co_return;
}

Done change_directory(Session& session, std::string argument) {
    const auto path =
        co_await on_path(session, argument, [](Worker& worker, const std::string& to) -> Result<std::string> {
            CHECK(worker.files.open_directory(to));
            return to;
        });
    if (!path) {
        session.refuse(path.error());
        co_return;
    }
    session.directory = *path;
    session.reply(250, "The directory is " + quoted(*path) + ".");
}

Done change_up(Session& session, std::string) {
    return change_directory(session, "..");
}

Done make_directory(Session& session, std::string argument) {
    const auto path = co_await on_path(session, argument,
                                       [](Worker& worker, const std::string& made) -> Result<std::string> {
                                           CHECK(worker.files.make_directory(made));
                                           return made;
                                       });
    if (path)
        session.reply(257, quoted(*path) + " was made.");
    else
        session.refuse(path.error());
}

Done remove_directory(Session& session, std::string argument) {
    const auto removed = co_await on_path(session, argument, [](Worker& worker, const std::string& path) {
        return worker.view.remove_directory(path);
    });
    if (removed)
        session.reply(250, "The directory was removed.");
    else
        session.refuse(removed.error());
}

Done remove_file(Session& session, std::string argument) {
    const auto removed = co_await on_path(session, argument, [](Worker& worker, const std::string& path) {
        return worker.view.remove_file(path);
    });
    if (removed) session.refused_in_a_row = 0;  // there may be room now
    if (!removed)
        session.refuse(removed.error());
    else if (*removed == LabView::Removed::partial)
        session.reply(250, "The unfinished upload was removed; a complete file of that name stays.");
    else
        session.reply(250, "The file was removed.");
}

Done rename_from(Session& session, std::string argument) {
    const auto path = co_await on_path(session, argument,
                                       [](Worker& worker, const std::string& from) -> Result<std::string> {
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

Done size(Session& session, std::string argument) {
    const auto seen = co_await on_path(
        session, argument, [](Worker& worker, const std::string& path) { return worker.view.stat(path); });
    if (!seen)
        session.refuse(seen.error());
    else if (!S_ISREG(seen->st_mode))
        session.reply(550, argument + ": not a plain file.");
    else
        session.reply(213, fmt::format("{}", seen->st_size));
}

Done modified(Session& session, std::string argument) {
    const auto seen = co_await on_path(
        session, argument, [](Worker& worker, const std::string& path) { return worker.view.stat(path); });
    if (!seen)
        session.refuse(seen.error());
    else if (!S_ISREG(seen->st_mode))
        session.reply(550, argument + ": not a plain file.");
    else
        session.reply(213, fact_time(seen->st_mtime));
}

Done set_modified(Session& session, std::string argument) {
    const auto [time, name] = split_word(argument);
    const auto seconds = parse_fact_time(time);
    if (!seconds || name.empty()) {
        session.reply(501, "MFMT takes YYYYMMDDHHMMSS and a path.");
        co_return;
    }
    const auto set =
        co_await on_path(session, name, [at = *seconds](Worker& worker, const std::string& path) {
            return worker.hashes.keep(worker.files.open_for_reading(path), true,
                                      [&] { return worker.files.set_modified(path, at); });
        });
    if (set)
        session.reply(213, fmt::format("Modify={}; {}", fact_time(*seconds), name));
    else
        session.refuse(set.error());
}

Done facts_of(Session& session, std::string argument) {
    struct Looked {
        std::string path;
        Seen seen;
    };
    const auto looked =
        co_await on_path(session, argument, [](Worker& worker, const std::string& path) -> Result<Looked> {
            TRY(auto seen, worker.view.look(path));
            return Looked{path, std::move(seen)};
        });
    if (!looked) {
        session.refuse(looked.error());
        co_return;
    }
    const auto line =
        facts(looked->seen.stat, looked->seen.link_target, session.facts, {}) + " " + looked->path;
    session.link.send(reply_lines(250, "Facts:", {line}, "End"));
}

Done site_chmod(Session& session, std::string argument) {
    const auto [digits, name] = split_word(argument);
    unsigned bits = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 8);
    if (failed != std::errc{} || end != digits.data() + digits.size() || bits > 07777 || name.empty()) {
        session.reply(501, "SITE CHMOD takes an octal mode and a path.");
        co_return;
    }
    const auto set = co_await on_path(session, name, [bits](Worker& worker, const std::string& path) {
        return worker.hashes.keep(worker.files.open_for_reading(path), false,
                                  [&] { return worker.files.set_mode(path, bits); });
    });
    if (set)
        session.reply(200, "The mode was set.");
    else
        session.refuse(set.error());
}

}  // namespace stowage::ftps
