// Verbs that read and set facts of files: SIZE, MDTM, MLST (RFC 3659), MFMT, MFF (draft-somers-ftp-mfxx),
// UTIME. Runs in: worker; the work itself on the file threads. Distrusts: arguments.
#include <fmt/format.h>
#include <strings.h>

#include <charconv>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/on_path.hpp"
#include "ftps/worker/site_commands.hpp"

namespace stowage::ftps {

namespace {

/// What MFF is to set.
struct NewFacts {
    std::optional<std::int64_t> modified;
    std::optional<mode_t> mode;
};

/// "modify=20200101000000;UNIX.mode=0640;", each fact at most once.
Result<NewFacts> parse_new_facts(std::string_view text) {
    NewFacts facts;
    while (!text.empty()) {
        const auto end = text.find(';'), equals = text.find('=');
        if (end == std::string_view::npos || equals > end)
            return Error{Code::usage, "MFF takes facts, each with its value and ';', one blank, and a path",
                         "for example: MFF modify=20260131120000;UNIX.mode=0640; file"};
        const std::string name(text.substr(0, equals));
        const auto value = text.substr(equals + 1, end - equals - 1);
        text.remove_prefix(end + 1);
        if (::strcasecmp(name.c_str(), "modify") == 0) {
            TRY(facts.modified, parse_fact_time(value));
        } else if (::strcasecmp(name.c_str(), "UNIX.mode") == 0) {
            TRY(facts.mode, parse_mode(value));
        } else {
            return Error{Code::unsupported, name + ": this fact cannot be set here",
                         "modify and UNIX.mode can"};
        }
    }
    return facts;
}

/// YYYYMMDDhhmm or YYYYMMDDhhmmss.
Result<std::int64_t> parse_short_time(std::string_view text) {
    return parse_fact_time(text.size() == 12 ? std::string(text) + "00" : std::string(text));
}

/// The last word of `text`, taken off with the blank before it.
std::string take_last_word(std::string& text) {
    const auto blank = text.rfind(' ');
    if (blank == std::string::npos) return {};
    auto word = text.substr(blank + 1);
    text.resize(blank);
    return word;
}

struct Utime {
    std::string path;
    std::int64_t modified = 0;
};

/// "time path", or "path accessed modified created UTC": of the three times, only the second can be set.
Result<Utime> parse_utime(const std::string& text) {
    auto path = text;
    if (upper(take_last_word(path)) == "UTC") {
        const auto created = parse_short_time(take_last_word(path));
        const auto modified = parse_short_time(take_last_word(path));
        const auto accessed = parse_short_time(take_last_word(path));
        if (created && modified && accessed && !path.empty()) return Utime{path, *modified};
    }
    auto [time, name] = split_word(text);
    TRY(const auto modified, parse_short_time(time));
    if (name.empty()) return Error{Code::usage, "SITE UTIME needs a path"};
    return Utime{std::move(name), modified};
}

// The bytes stay the same, and so does their hash.
Result<void> set_time(Worker& worker, const std::string& path, std::int64_t modified) {
    return worker.hashes.keep(worker.files.open_for_reading(path), true,
                              [&] { return worker.files.set_modified(path, modified); });
}

Result<void> set_mode(Worker& worker, const std::string& path, mode_t mode) {
    return worker.hashes.keep(worker.files.open_for_reading(path), false,
                              [&] { return worker.files.set_mode(path, mode); });
}

Result<struct stat> plain_file(Worker& worker, const std::string& path) {
    TRY(const auto seen, worker.view.stat(path));
    if (!S_ISREG(seen.st_mode)) return Error{Code::denied, path + ": not a plain file"};
    return seen;
}

}  // namespace

Result<mode_t> parse_mode(std::string_view text) {
    unsigned bits = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bits, 8);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size() || bits > 07777)
        return Error{Code::usage, "not a mode: " + std::string(text.substr(0, 40)),
                     "write it in octal, for example 640"};
    return bits;
}

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
    const auto [time, name] = split_word(argument);
    const auto seconds = parse_fact_time(time);
    if (!seconds || name.empty()) {
        session.reply(501, "MFMT takes YYYYMMDDHHMMSS, in UTC, and a path.");
        co_return;
    }
    auto work = [at = *seconds](Worker& worker, const std::string& path) {
        return set_time(worker, path, at);
    };
    const auto set = co_await on_known_path(session, name, std::move(work));
    if (set)
        session.link.send(reply_with_name(213, fmt::format("Modify={}; {}", fact_time(*seconds), name)));
    else
        session.refuse(set.error());
}

Done set_creation(Session& session, std::string) {
    session.reply(502,
                  "The storage keeps the time of creation to itself; MFMT sets the time of modification.");
    co_return;
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
    auto work = [facts = *wanted](Worker& worker, const std::string& path) -> Result<void> {
        if (facts.mode) CHECK(set_mode(worker, path, *facts.mode));
        if (facts.modified) CHECK(set_time(worker, path, *facts.modified));
        return {};
    };
    const auto set = co_await on_known_path(session, name, std::move(work));
    if (!set) {
        session.refuse(set.error());
        co_return;
    }
    std::string done;
    if (wanted->modified) done += fmt::format("Modify={};", fact_time(*wanted->modified));
    if (wanted->mode) done += fmt::format("UNIX.mode={:04o};", *wanted->mode & 0777);
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
    auto work = [](Worker& worker, const std::string& path) -> Result<Looked> {
        TRY(auto seen, worker.view.look(path));
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
