// STOR, STOU and APPE.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>

#include <optional>
#include <random>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/data_command.hpp"
#include "ftps/worker/room.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

namespace {

struct Upload {
    std::string path;
    std::optional<Partials::Claim> claim;
};

/// To upload.path.
Result<void> prepare_upload(Worker& worker, const std::string& user, Partials::Start start, Upload& upload) {
    CHECK(worker.partials.check(upload.path, start));
    TRY(auto claim, worker.partials.claim(upload.path, user));
    upload.claim.emplace(std::move(claim));
    return {};
}

// Names that STOU tries.
constexpr int max_unique_names = 1000;

std::string unique_name(const std::string& wished, int attempt) {
    // One of its own: several transfer threads may be here.
    if (wished.empty()) return fmt::format("upload.{:08x}", std::random_device()());
    return attempt == 0 ? wished : fmt::format("{}.{}", wished, attempt);
}

/// STOU: a name that nobody has, claimed. `wished` may be empty.
Result<void> prepare_unique(Worker& worker, const std::string& directory, const std::string& wished,
                            const std::string& user, Upload& upload) {
    for (int attempt = 0; attempt < max_unique_names; ++attempt) {
        const auto name = unique_name(wished, attempt);
        TRY(upload.path, worker.files.locate(directory, name));
        if (worker.view.look(upload.path)) continue;
        auto prepared = prepare_upload(worker, user, {}, upload);
        if (!prepared && prepared.error().code == Code::in_use) continue;
        return prepared;
    }
    return Error{Code::exists,
                 fmt::format("{} and the {} names after it are taken", wished, max_unique_names),
                 "choose another name"};
}

/// Its prepare() is the caller's.
DataCommand receive_command(const Session& session, std::string verb, std::shared_ptr<Upload> upload,
                            Partials::Start start) {
    auto& worker = session.worker;
    const auto durability = worker.durability();
    DataCommand command;
    command.verb = std::move(verb);
    command.stores = true;
    command.success = durability == Durability::full ? "Complete, and safe on disk." : "Complete.";
    const auto* hashes = worker.config.ftps.upload_hash == UploadHashing::sha256 ? &worker.hashes : nullptr;
    command.work = [&worker, upload, start, line_ends = line_ends_of(session), durability, hashes](
                       DataStream& stream, Transfer& transfer) {
        auto received = receive_file(
            stream, {worker.partials, *upload->claim, start, line_ends, durability, hashes}, transfer);
        upload->claim.reset();
        return received;
    };
    // Before the reply: a client may upload the same name again at once.
    command.release = [upload] { upload->claim.reset(); };
    return command;
}

/// The bytes that were announced for this upload, if there is room for them; else it is refused.
boost::asio::awaitable<std::optional<std::uint64_t>> take_announced(Session& session) {
    const auto announced = std::exchange(session.announced.waiting, 0);
    const auto room = co_await find_room(session, announced);
    if (!room) refuse_full(session, room.error());
    co_return room ? std::optional(announced) : std::nullopt;
}

Done upload(Session& session, std::string verb, std::string argument, Partials::Start start) {
    const auto place = take_place(session);
    if (!place || refused_in_ascii(session, start.offset > 0 || start.end)) co_return;
    auto& worker = session.worker;
    const auto announced = co_await take_announced(session);
    if (!announced) co_return;
    session.announced.running = *announced;
    const auto upload = std::make_shared<Upload>();
    auto command = receive_command(session, std::move(verb), upload, start);
    command.prepare = [&worker, directory = session.directory, argument, user = session.user, start,
                       upload](DataCommand& filled) -> Result<void> {
        TRY(upload->path, worker.files.locate(directory, argument));
        if (auto prepared = prepare_upload(worker, user, start, *upload); !prepared) {
            if (prepared.error().code == Code::invalid && start.offset > 0) filled.refusal = 554;
            return prepared;
        }
        filled.path = upload->path;
        filled.opening = "Ready to receive " + upload->path + ".";
        return {};
    };
    co_await run_data_command(session, *place, std::move(command));
}

/// Where an upload begins and, after RANG, ends; APPE does as STOR then (draft-bryan-ftp-range-08 §4.3).
Partials::Start start_of(Session& session, bool at_end) {
    const auto offset = std::exchange(session.restart_at, 0);
    const auto range = std::exchange(session.range, std::nullopt);
    if (range) return {false, range->begin, range->end};
    return at_end ? Partials::Start{true, 0} : Partials::Start{false, offset};
}

}  // namespace

Done store(Session& session, std::string argument) {
    return upload(session, "STOR", std::move(argument), start_of(session, false));
}

// RFC 1123 §4.1.2.9: the name stands behind "FILE: ", in the 150 and nowhere before.
Done store_unique(Session& session, std::string wished) {
    const auto place = take_place(session);
    if (!place) co_return;
    // A file that is not there yet begins at its beginning.
    session.restart_at = 0;
    session.range.reset();
    auto& worker = session.worker;
    const auto announced = co_await take_announced(session);
    if (!announced) co_return;
    session.announced.running = *announced;
    Partials::Start start;
    start.is_new = true;
    const auto upload = std::make_shared<Upload>();
    auto command = receive_command(session, "STOU", upload, start);
    command.prepare = [&worker, directory = session.directory, wished, user = session.user,
                       upload](DataCommand& filled) -> Result<void> {
        CHECK(prepare_unique(worker, directory, wished, user, *upload));
        filled.path = upload->path;
        filled.opening = "FILE: " + upload->path;
        filled.success += " FILE: " + upload->path;
        return {};
    };
    co_await run_data_command(session, *place, std::move(command));
}

Done append(Session& session, std::string argument) {
    return upload(session, "APPE", std::move(argument), start_of(session, true));
}

}  // namespace stowage::ftps
