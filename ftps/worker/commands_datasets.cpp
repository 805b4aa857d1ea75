// SITE UNPACK and SITE COMMIT: many files at once.
// Runs in: worker; the work itself on other threads. Distrusts: arguments, archives.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commit_directory.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/long_command.hpp"
#include "ftps/worker/member_names.hpp"
#include "ftps/worker/site_commands.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "ftps/worker/unpack_tree.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/counted.hpp"

namespace stowage::ftps {

namespace {

struct Unpacking {
    std::string archive, target;
    Fd file;
    UnpackLimits limits;
};

/// What a pod sees under that name: an unfinished upload is no archive yet.
Result<Fd> open_archive(Worker& worker, const std::string& path) {
    CHECK(worker.partials.check_complete(path));
    return worker.files.open_for_reading(path);
}

Result<std::shared_ptr<Unpacking>> prepare_unpacking(Worker& worker, const std::string& directory,
                                                     const std::vector<std::string>& words) {
    auto unpacking = std::make_shared<Unpacking>();
    TRY(unpacking->archive, worker.files.locate(directory, words[0]));
    auto target = words.size() > 1 ? words[1] : directory_for(unpacking->archive).value_or("");
    if (target.empty())
        return Error{Code::usage, "into which directory? " + words[0] + " has no ending that leaves its name",
                     "write SITE UNPACK archive directory"};
    TRY(unpacking->target, worker.files.locate(directory, target));
    CHECK(worker.partials.check_free(unpacking->target));
    TRY(unpacking->file, open_archive(worker, unpacking->archive));
    CHECK(UnpackStage::check(worker.files, unpacking->target));
    struct stat seen {};
    if (::fstat(unpacking->file.get(), &seen) != 0) return file_error(errno, unpacking->archive);
    unpacking->limits =
        UnpackLimits::for_archive(static_cast<std::uint64_t>(seen.st_size), unpacking->target);
    return unpacking;
}

std::string success(const Unpacking& unpacking, const Unpacked& done, bool durable) {
    auto text =
        fmt::format("{} ({}), {} and {} are in {}{}.", counted(done.files, "file"),
                    counted(done.bytes, "byte"), counted(done.directories, "directory", "directories"),
                    counted(done.links, "link"), unpacking.target, durable ? ", safe on disk" : "");
    if (const auto omissions = done.omissions(); !omissions.empty()) text += "\n" + omissions + ".";
    return text;
}

Result<std::string> unpack(Worker& worker, const Unpacking& unpacking, Durability durability,
                           Transfer& transfer) {
    // Before the stage, so that what failed is counted until it is removed.
    LedgerShare share(worker.files.ledger());
    TRY(auto stage, UnpackStage::make(worker.files));
    TRY(const auto done, unpack_tree(unpacking.file, stage.directory(), unpacking.limits, share, transfer));
    CHECK(
        stage.publish(worker.files, worker.partials, unpacking.target, durability, transfer.aborted, share));
    return success(unpacking, done, durability == Durability::full);
}

}  // namespace

Done site_unpack(Session& session, std::string argument) {
    auto& worker = session.worker;
    auto prepare = [&worker, directory = session.directory,
                    argument]() -> Result<std::shared_ptr<Unpacking>> {
        TRY(const auto words, quoted_words(argument, 2));
        return prepare_unpacking(worker, directory, words);
    };
    const auto prepared = co_await on_pool(worker.pool, std::move(prepare));
    if (!prepared) {
        session.refuse(prepared.error());
        co_return;
    }
    const auto unpacking = *prepared;
    LongCommand command;
    command.verb = "SITE UNPACK";
    command.path = unpacking->archive + " into " + unpacking->target;
    command.work = [&worker, unpacking, durability = worker.durability()](Transfer& transfer) {
        return unpack(worker, *unpacking, durability, transfer);
    };
    co_await run_long_command(session, std::move(command));
}

Done site_commit(Session& session, std::string argument) {
    auto& worker = session.worker;
    auto names = quoted_words(argument, 2);
    if (!names || names->size() != 2) {
        session.reply(501, "Write SITE COMMIT staged final; put names with blanks in double quotes.");
        co_return;
    }
    LongCommand command;
    command.verb = "SITE COMMIT";
    command.path = argument;
    command.work = [&worker, directory = session.directory, words = *names,
                    durability = worker.durability()](Transfer&) -> Result<std::string> {
        TRY(const auto staged, worker.files.locate(directory, words[0]));
        TRY(const auto published, worker.files.locate(directory, words[1]));
        TRY(const auto how, commit_directory(worker.files, worker.partials, staged, published, durability));
        if (how == Committed::renamed) return published + " is published.";
        return fmt::format(
            "{0} is published; what it was is {1} now.\nThe same command takes it back; removing {1} "
            "frees its space.",
            published, staged);
    };
    co_await run_long_command(session, std::move(command));
}

}  // namespace stowage::ftps
