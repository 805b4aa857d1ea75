// Verbs that read and set facts of files: SIZE, MDTM, MLST (RFC 3659), MFMT, MFCT, MFF
// (draft-somers-ftp-mfxx), UTIME. Runs in: worker; the work itself on the file threads. Distrusts: arguments.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/creation_time.hpp"
#include "ftps/worker/fact_arguments.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/on_path.hpp"
#include "ftps/worker/site_commands.hpp"

namespace stowage::ftps {

namespace {

// The bytes stay the same, and so does their hash.
Result<void> set_time(Worker& worker, const std::string& path, std::int64_t modified) {
    return worker.hashes.keep(worker.files.open_for_reading(path), true,
                              [&] { return worker.files.set_modified(path, modified); });
}

Result<void> set_mode(Worker& worker, const std::string& path, mode_t mode) {
    return worker.hashes.keep(worker.files.open_for_reading(path), false,
                              [&] { return worker.files.set_mode(path, mode); });
}

/// What the attribute is put to. A partial becomes another file once it is complete, or goes.
Result<Fd> open_to_date(Worker& worker, const std::string& path) {
    if (path == "/") return file_error(EPERM, path);
    CHECK(worker.partials.check_complete(path));
    TRY(const auto seen, worker.files.lstat(path));
    if (S_ISLNK(seen.st_mode))
        return Error{Code::denied, path + ": a symbolic link has no attributes of its own",
                     "name what it leads to"};
    return S_ISDIR(seen.st_mode) ? worker.files.open_directory(path) : worker.files.open_for_reading(path);
}

Result<void> set_created(Worker& worker, const std::string& path, std::int64_t created) {
    const auto file = open_to_date(worker, path);
    if (!file) return file.error();
    return worker.hashes.keep(file, false, [&] { return set_creation_time(*file, path, created); });
}

/// An attribute can be written only while its file may be.
Result<void> set_all(Worker& worker, const std::string& path, const NewFacts& facts) {
    const bool opens = facts.mode && (*facts.mode & S_IWUSR) != 0;
    if (facts.mode && opens) CHECK(set_mode(worker, path, *facts.mode));
    if (facts.created) CHECK(set_created(worker, path, *facts.created));
    if (facts.mode && !opens) CHECK(set_mode(worker, path, *facts.mode));
    if (facts.modified) CHECK(set_time(worker, path, *facts.modified));
    return {};
}

Result<struct stat> plain_file(Worker& worker, const std::string& path) {
    TRY(const auto seen, worker.view.stat(path));
    if (!S_ISREG(seen.st_mode)) return Error{Code::denied, path + ": not a plain file"};
    return seen;
}

/// MFMT and MFCT, which are alike but for the fact.
Done set_one_time(Session& session, std::string argument, std::string_view fact,
                  Result<void> (*set)(Worker&, const std::string& path, std::int64_t time)) {
    const auto [time, name] = split_word(argument);
    const auto seconds = parse_fact_time(time);
    if (!seconds || name.empty()) {
        session.reply(501, session.verb + " takes YYYYMMDDHHMMSS, in UTC, and a path.");
        co_return;
    }
    auto work = [set, at = *seconds](Worker& worker, const std::string& path) {
        return set(worker, path, at);
    };
    const auto done = co_await on_known_path(session, name, std::move(work));
    if (done)
        session.link.send(reply_with_name(213, fmt::format("{}={}; {}", fact, fact_time(*seconds), name)));
    else
        session.refuse(done.error());
}

}  // namespace

Done size(Session& session, std::string argument) {
    if (session.type == DataType::ascii) {
        session.reply(550, "In TYPE A line ends are converted and nobody knows the size; send TYPE I first.");
        co_return;
    }
    const auto seen = co_await on_known_path(session, argument, &plain_file);
    if (seen)
        session.reply(213, fmt::format("{}", seen->st_size));
    else
        session.refuse(seen.error());
}

Done modified(Session& session, std::string argument) {
    const auto seen = co_await on_known_path(session, argument, &plain_file);
    if (seen)
        session.reply(213, fact_time(seen->st_mtime));
    else
        session.refuse(seen.error());
}

Done set_modified(Session& session, std::string argument) {
    return set_one_time(session, std::move(argument), "Modify", &set_time);
}

Done set_creation(Session& session, std::string argument) {
    return set_one_time(session, std::move(argument), "Create", &set_created);
}

Done set_facts(Session& session, std::string argument) {
    const auto [list, name] = split_word(argument);
    const auto wanted = parse_new_facts(list);
    if (!wanted || name.empty()) {
        if (wanted)
            session.reply(501, "MFF takes facts and a path.");
        else
            session.refuse(wanted.error().code == Code::invalid ? 501 : 0, wanted.error());
        co_return;
    }
    auto work = [facts = *wanted](Worker& worker, const std::string& path) {
        return set_all(worker, path, facts);
    };
    const auto set = co_await on_known_path(session, name, std::move(work));
    if (!set) {
        session.refuse(set.error());
        co_return;
    }
    std::string done;
    if (wanted->modified) done += fmt::format("Modify={};", fact_time(*wanted->modified));
    if (wanted->created) done += fmt::format("Create={};", fact_time(*wanted->created));
    if (wanted->mode) done += fmt::format("UNIX.mode={:04o};", *wanted->mode & lab_rights);
    session.link.send(reply_with_name(213, done + " " + name));
}

Done site_utime(Session& session, std::string argument) {
    const auto wanted = parse_utime(argument);
    if (!wanted) {
        session.refuse(501, wanted.error());
        co_return;
    }
    auto work = [at = wanted->modified](Worker& worker, const std::string& path) {
        return set_time(worker, path, at);
    };
    const auto set = co_await on_known_path(session, wanted->path, std::move(work));
    if (set)
        session.reply(200, "The time of modification was set.");
    else
        session.refuse(set.error());
}

Done facts_of(Session& session, std::string argument) {
    struct Looked {
        std::string path;
        Seen seen;
    };
    const bool dated = (session.facts & static_cast<unsigned>(Fact::create)) != 0;
    auto work = [dated](Worker& worker, const std::string& path) -> Result<Looked> {
        TRY(auto seen, worker.view.look(path, dated));
        return Looked{path, std::move(seen)};
    };
    const auto looked = co_await on_known_path(session, argument, std::move(work));
    if (!looked) {
        session.refuse(looked.error());
        co_return;
    }
    const auto line = facts(looked->seen, session.facts) + " " + looked->path;
    session.link.send(reply_lines(250, "Facts:", {line}, "End"));
}

}  // namespace stowage::ftps
