// HASH (draft-bryan-ftpext-hash-02), its older relatives XSHA256, XSHA1, XMD5 and XCRC, and RANG.
// Runs in: worker; hashes on a thread each. Distrusts: arguments, and files that change while they are read.
#include <fmt/format.h>

#include "ftps/protocol/ascii_case.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_hash.hpp"
#include "ftps/worker/long_command.hpp"
#include "ftps/worker/on_path.hpp"

namespace stowage::ftps {

namespace {

/// A file that is open, and what of it is to be hashed.
struct Hashing {
    Fd file;
    struct stat seen {};
    HashAlgorithm algorithm = HashAlgorithm::sha256;
    ByteRange range;
    bool whole = false;                // nobody asked for a range: the attribute will do
    std::optional<std::string> known;  // from the attribute
    std::optional<Error> behind_end;   // it is refused
};
using SharedHashing = std::shared_ptr<Hashing>;

Error behind_end(const std::string& path, std::uint64_t position, std::uint64_t size) {
    return {Code::invalid, fmt::format("{} has {} bytes; there is none at {}", path, size, position),
            "send RANG 1 0 for the whole file"};
}

Result<SharedHashing> open_for_hashing(Worker& worker, const std::string& path, HashAlgorithm algorithm,
                                       std::optional<ByteRange> range) {
    auto hashing = std::make_shared<Hashing>();
    hashing->algorithm = algorithm;
    TRY(hashing->file, worker.view.open_for_reading(path));
    if (::fstat(hashing->file.get(), &hashing->seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(hashing->seen.st_size);
    hashing->whole = !range;
    hashing->range = {0, size};
    if (range) {
        hashing->range = {range->begin, std::min(range->end, size)};
        if (range->begin >= size) hashing->behind_end = behind_end(path, range->begin, size);
    } else if (algorithm == HashAlgorithm::sha256) {
        hashing->known = worker.hashes.recall(hashing->file);
    }
    return hashing;
}

/// Waits until it is: what a pod or an upload without durability has just written may be in memory only.
bool is_on_disk(const Fd& file) {
    constexpr unsigned all_of_it =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    return ::sync_file_range(file.get(), 0, 0, all_of_it) == 0;
}

// On a thread of its own.
Result<std::string> hash_now(const HashAttribute& attribute, const Hashing& hashing, Transfer& progress) {
    TRY(auto hash,
        hash_bytes(hashing.file, hashing.algorithm, hashing.range.begin, hashing.range.end, progress));
    struct stat now {};
    if (::fstat(hashing.file.get(), &now) != 0) return file_error(errno, "the file");
    if (!same_content(now, hashing.seen))
        return Error{Code::in_use, "somebody wrote to this file while it was read", "try again later"};
    if (hashing.whole && hashing.algorithm == HashAlgorithm::sha256 && is_on_disk(hashing.file))
        attribute.remember(hashing.file, hashing.seen, hash);
    return hash;
}

/// What a reply says about a hash, from the hash itself.
using Wording = std::function<std::string(const Hashing&, const std::string&)>;

Done run(Session& session, LongCommand command, SharedHashing hashing, Wording wording) {
    if (hashing->behind_end) {  // as after REST
        session.refuse(554, *hashing->behind_end);
        co_return;
    }
    if (hashing->known) {
        session.reply(command.code, wording(*hashing, *hashing->known));
        co_return;
    }
    command.changes = false;
    command.work = [&attribute = session.worker.hashes, hashing,
                    wording](Transfer& progress) -> Result<std::string> {
        TRY(const auto hash, hash_now(attribute, *hashing, progress));
        return wording(*hashing, hash);
    };
    co_await run_long_command(session, std::move(command));
}

Done x_hash(Session& session, std::string verb, HashAlgorithm algorithm, std::string argument) {
    const auto parsed = parse_named_range(verb, argument);
    if (!parsed) {
        session.refuse(parsed.error());
        co_return;
    }
    auto open = [algorithm, range = parsed->range](Worker& worker, const std::string& path) {
        return open_for_hashing(worker, path, algorithm, range);
    };
    const auto opened = co_await on_path(session, parsed->path, std::move(open));
    if (!opened) {
        session.refuse(opened.error());
        co_return;
    }
    LongCommand command;
    command.verb = verb;
    command.path = parsed->path;
    Wording wording = [](const Hashing&, const std::string& hash) { return upper(to_hex(hash)); };
    co_await run(session, std::move(command), *opened, std::move(wording));
}

}  // namespace

Done hash(Session& session, std::string argument) {
    auto open = [algorithm = session.hash_algorithm, range = std::exchange(session.range, std::nullopt)](
                    Worker& worker, const std::string& path) {
        return open_for_hashing(worker, path, algorithm, range);
    };
    const auto opened = co_await on_path(session, argument, std::move(open));
    if (!opened) {
        auto look = [](Worker& worker, const std::string& path) { return worker.view.stat(path); };
        const auto seen = co_await on_path(session, argument, std::move(look));
        // §3.5; the table's for the rest
        session.refuse(seen && S_ISDIR(seen->st_mode) ? 553 : 0, opened.error());
        co_return;
    }
    LongCommand command;
    command.verb = "HASH";
    command.path = argument;
    command.code = 213;
    Wording wording = [argument](const Hashing& hashing, const std::string& bytes) {
        const auto& range = hashing.range;
        // An empty file has no last byte: "0-0", as ProFTPD says it.
        return fmt::format("{} {}-{} {} {}", hash_name(hashing.algorithm), range.begin,
                           range.end > range.begin ? range.end - 1 : range.begin, to_hex(bytes), argument);
    };
    co_await run(session, std::move(command), *opened, std::move(wording));
}

Done xsha256(Session& session, std::string argument) {
    return x_hash(session, "XSHA256", HashAlgorithm::sha256, std::move(argument));
}
Done xsha1(Session& session, std::string argument) {
    return x_hash(session, "XSHA1", HashAlgorithm::sha1, std::move(argument));
}
Done xmd5(Session& session, std::string argument) {
    return x_hash(session, "XMD5", HashAlgorithm::md5, std::move(argument));
}
Done xcrc(Session& session, std::string argument) {
    return x_hash(session, "XCRC", HashAlgorithm::crc32, std::move(argument));
}

void hash_options(Session& session, const std::string& wanted) {
    const auto algorithm = wanted.empty() ? session.hash_algorithm : hash_named(wanted);
    if (!algorithm) {
        session.reply(501, "This algorithm is not known here; FEAT lists those that are. " +
                               std::string(hash_name(session.hash_algorithm)) + " stays.");
        return;
    }
    session.hash_algorithm = *algorithm;
    session.reply(200, hash_name(*algorithm));
}

std::string hash_feature(HashAlgorithm selected) {
    std::string line = "HASH ";
    for (const auto algorithm : hash_algorithms()) {
        if (line.back() != ' ') line += ';';
        line += hash_name(algorithm);
        if (algorithm == selected) line += '*';
    }
    return line;
}

Done range(Session& session, std::string argument) {
    session.range.reset();
    session.restart_at = 0;
    if (resets_byte_range(argument)) {
        session.reply(350, "The next command is about the whole file.");
        co_return;
    }
    const auto parsed = parse_byte_range(argument);
    if (!parsed) {
        session.refuse(parsed.error());
        co_return;
    }
    session.range = *parsed;
    session.reply(350, fmt::format("The next transfer or hash is about the bytes {} to {}.", parsed->begin,
                                   parsed->end - 1));
}

}  // namespace stowage::ftps
