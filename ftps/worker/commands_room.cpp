// Verbs about the lab's room.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/room.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/site_commands.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::ftps {

// RFC 959 §4.1.3. What follows the number (R and a record size) is for record files, which do not exist here.
Done allocate(Session& session, std::string argument) {
    const auto bytes = parse_offset(split_word(argument).first);
    if (!bytes) {
        session.reply(501, "ALLO takes a number of bytes, from 0 to 9223372036854775807.");
        co_return;
    }
    session.announced.waiting = 0;
    if (*bytes > 0) {
        const auto room = co_await find_room(session, *bytes);
        if (!room) {
            session.tell(reply_code(room.error().code), room.error());
            co_return;
        }
    }
    session.announced.waiting = *bytes;
    session.reply(200,
                  fmt::format("There is room for {} now; the next upload may begin.", format_bytes(*bytes)));
}

// draft-peterson-streamlined-ftp-command-extensions-10 §4.
Done available(Session& session, std::string argument) {
    if (!argument.empty()) {
        auto look = [&worker = session.worker, directory = session.directory, argument]() -> Result<void> {
            TRY(const auto path, worker.files.locate(directory, argument));
            CHECK(worker.files.open_directory(path));
            return {};
        };
        const auto looked = co_await on_pool(session.worker.pool, std::move(look));
        if (!looked) {
            session.refuse(looked.error());
            co_return;
        }
    }
    const auto usage = co_await session.worker.usage.exact();
    const auto bytes = bytes_available(usage);
    const auto others = announced_by_others(session);
    if (bytes)
        // The number alone as long as there is nothing to say: some clients read no further than that.
        session.reply(213, fmt::format("{}{}", *bytes > others ? *bytes - others : 0, warning(usage)));
    else
        session.reply(450, "The filesystem does not answer at the moment; try again later.");
}

Done site_quota(Session& session, std::string) {
    const auto usage = co_await session.worker.usage.exact();
    auto lines = usage_lines(usage);
    if (const auto others = announced_by_others(session); others > 0)
        lines.push_back(fmt::format("Announced by other sessions: {}", format_bytes(others)));
    session.link.send(reply_lines(200, "Room of lab " + session.worker.lab + ":", lines, "End"));
}

}  // namespace stowage::ftps
