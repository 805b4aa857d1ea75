// SITE CPFR and CPTO (as ProFTPD's mod_copy has them) and COMB (as Globalscape and CuteFTP have it).
// Runs in: worker; copies on a thread each. Distrusts: arguments.
#include <fmt/format.h>

#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/file_copy.hpp"
#include "ftps/worker/long_command.hpp"
#include "ftps/worker/on_path.hpp"
#include "ftps/worker/site_commands.hpp"
#include "ftps/worker/tree_copy.hpp"
#include "gateway/base/counted.hpp"

namespace stowage::ftps {

namespace {

// Each is an open file; and more would not fit into a command line anyway, but for very short names.
constexpr std::size_t max_parts = 256;

Copying copying_of(Session& session) {
    return {session.worker.files, session.worker.partials, session.worker.hashes, session.user,
            session.worker.durability()};
}

std::string copied_text(const TreeCopied& copied, const std::string& to) {
    auto text =
        fmt::format("Copied to {}: {}, {}, {}.", to, counted(copied.files, "file"),
                    counted(copied.directories, "directory", "directories"), counted(copied.links, "link"));
    if (copied.left_out > 0)
        text += fmt::format(" {} left out.", counted(copied.left_out, "device, fifo or socket was",
                                                     "devices, fifos and sockets were"));
    return text;
}

std::string joined_text(std::size_t parts, const std::string& target, const std::vector<std::string>& left) {
    auto text = fmt::format("{} joined to {}.", counted(parts, "part was", "parts were"), target);
    if (!left.empty())
        text += fmt::format(" {} of them could not be removed, the first is {}.", left.size(), left.front());
    return text;
}

}  // namespace

Done site_copy_from(Session& session, std::string argument) {
    session.copy_from.reset();
    auto look = [](Worker& worker, const std::string& from) -> Result<std::string> {
        CHECK(worker.view.stat(from));
        return from;
    };
    const auto path = co_await on_path(session, argument, std::move(look));
    if (!path) {
        session.refuse(path.error());
        co_return;
    }
    session.copy_from = *path;
    session.reply(350, "Send SITE CPTO with the name of the copy.");
}

Done site_copy_to(Session& session, std::string argument) {
    const auto from = std::exchange(session.copy_from, std::nullopt);
    if (!from) {
        session.reply(503, "Send SITE CPFR with what is to be copied first.");
        co_return;
    }
    LongCommand command;
    command.verb = "CPTO";
    command.path = argument;
    command.work = [copying = copying_of(session), directory = session.directory, from = *from,
                    argument](Transfer& progress) -> Result<std::string> {
        TRY(const auto to, copying.files.locate(directory, argument));
        const auto seen = copying.files.stat(from);
        if (seen && S_ISDIR(seen->st_mode)) {
            TRY(const auto copied, copy_tree(copying, from, to, progress));
            return copied_text(copied, to);
        }
        CHECK(copy_file(copying, from, to, progress));
        return "Copied to " + to + ".";
    };
    co_await run_long_command(session, std::move(command));
}

Done combine(Session& session, std::string argument) {
    const auto words = quoted_words(argument, 1 + max_parts);
    if (!words || words->size() < 2) {
        session.refuse(words ? Error{Code::usage, "COMB takes the target and the parts",
                                     "write COMB \"target\" \"part1\" \"part2\""}
                             : words.error());
        co_return;
    }
    LongCommand command;
    command.verb = "COMB";
    command.path = words->front();
    command.work = [copying = copying_of(session), directory = session.directory,
                    names = *words](Transfer& progress) -> Result<std::string> {
        std::vector<std::string> paths;
        for (const auto& name : names) {
            TRY(auto path, copying.files.locate(directory, name));
            paths.push_back(std::move(path));
        }
        const auto target = paths.front();
        paths.erase(paths.begin());
        TRY(const auto left, join_files(copying, target, paths, progress));
        return joined_text(paths.size(), target, left);
    };
    co_await run_long_command(session, std::move(command));
}

}  // namespace stowage::ftps
