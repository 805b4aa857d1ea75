// STAT: of the session, of a running transfer, of a path.
// Runs in: worker; paths are read on the file threads. Distrusts: arguments, names of files.
#include <fmt/format.h>

#include <algorithm>

#include "ftps/protocol/reply.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/listing.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

// STAT of a path goes over the control connection: more than this belongs on a data connection.
constexpr std::size_t max_status_lines = 1000;
constexpr std::chrono::seconds usage_age{30};

std::string_view type_of(const Session& session) {
    switch (session.type) {
        case DataType::ascii:
            return "ASCII";
        case DataType::image:
            return "image";
        case DataType::unsaid:
            break;
    }
    return "not chosen: files as in image, listings as in ASCII";
}

std::vector<std::string> status_lines(const Session& session, const Usage& usage) {
    std::vector<std::string> lines = {fmt::format("Lab {}, user {}, from {}", session.worker.lab,
                                                  session.user, session.data.peer().to_string()),
                                      fmt::format("Control and data connections are protected by TLS ({})",
                                                  session.control_is_tls13 ? "1.3" : "1.2"),
                                      fmt::format("Type {}, structure file, mode stream", type_of(session))};
    for (auto& line : usage_lines(usage))
        lines.push_back(std::move(line));
    lines.push_back("No transfer is running");
    return lines;
}

Result<std::vector<std::string>> listed_lines(Worker& worker, const std::string& directory,
                                              const std::string& argument) {
    const auto asked = parse_list_argument(argument);
    ListRequest request;
    request.owner = worker.lab;
    request.itself = asked.itself;
    TRY(const auto path, worker.files.locate(directory, asked.path));
    TRY(request.path, worker.view.known_as(path));
    std::vector<std::string> lines;
    CHECK(list(worker.view, request_for(worker.view, request), [&lines](std::string_view line) {
        lines.emplace_back(line.substr(0, line.size() - 2));
        return lines.size() < max_status_lines;
    }));
    if (lines.size() == max_status_lines) lines.push_back("… and more: use LIST");
    return lines;
}

}  // namespace

std::string progress(const Session& session) {
    const auto& [name, path, size] = session.transfer->subject();
    if (session.transfer->waits_for_connection()) return name + ": waiting for the data connection";
    const auto bytes = session.transfer->bytes.load();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - session.transfer_began;
    auto text = name + ": " + session.transfer->amount();
    if (size > 0)
        text += fmt::format(" of {} ({:.0f} %)", size,
                            100.0 * static_cast<double>(bytes) / static_cast<double>(size));
    return text + fmt::format(" in {:.1f} s, {:.2f} MB/s", took.count(),
                              static_cast<double>(bytes) / 1e6 / std::max(took.count(), 1e-3));
}

Done status(Session& session, std::string argument) {
    if (argument.empty()) {
        const auto usage = co_await session.worker.usage.recent(usage_age);
        session.link.send(reply_lines(211, "Status:", status_lines(session, usage), "End"));
        co_return;
    }
    auto work = [&worker = session.worker, directory = session.directory, argument] {
        return listed_lines(worker, directory, argument);
    };
    const auto listed = co_await on_pool(session.worker.pool, std::move(work));
    if (!listed) {
        session.refuse(listed.error());
        co_return;
    }
    session.link.send(reply_lines(213, "Status of " + argument + ":", *listed, "End"));
}

}  // namespace stowage::ftps
