// Numbers that a restored database does not know as given.
// Runs in: controller.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/found_on_disk.hpp"
#include "gateway/controller/state/export_ids.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr std::size_t largest_file = 64 << 20;
/// Of labs that were made after the backup nothing may be left that tells their Export_Ids but their clients'
/// handles: more labs than this are not made between two backups.
constexpr std::int64_t lost_export_ids = 1000;

/// As if the lab had been deleted and its data kept: its uid is that of its name and of no other.
Result<void> reserve(sqlite::Database& database, const FoundOnDisk::Owner& owner, std::int64_t now) {
    constexpr auto insert = "INSERT OR IGNORE INTO uids_used(uid, lab, since) VALUES(?,?,?)";
    if (!owner.lab.empty()) CHECK(Statement(database, insert, owner.uid, owner.lab, now).run());
    // The directory's name has another uid, or is no lab's: a name that no lab can have.
    return Statement(database, insert, owner.uid, fmt::format("uid {}", owner.uid), now).run();
}

Result<void> pass_over_lost_export_ids(sqlite::Database& database, std::int64_t seen) {
    Statement given(database, "SELECT number FROM last_given WHERE series = 'export_id'");
    std::int64_t last = given.next() ? given.integer(0) : min_export_id - 1;
    last = std::max(last, seen) + lost_export_ids;
    if (last > max_export_id) last = min_export_id + (last - max_export_id);
    return Statement(database, "INSERT OR REPLACE INTO last_given(series, number) VALUES('export_id', ?)",
                     last)
        .run();
}

}  // namespace

Result<void> State::keep_uid(std::uint32_t uid, const std::string& lab) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(reserve(database_, {uid, lab}, now_seconds()));
    return transaction.commit();
}

Result<void> State::take_found(const std::string& path) {
    const auto text = read_file(path, largest_file);
    if (!text && text.error().code == Code::not_found) return {};
    if (!text) return text.error();
    TRY(const auto found, found_on_disk_in(*text));
    TRY(auto transaction, Transaction::begin(database_));
    for (const auto& owner : found.owners)
        CHECK(reserve(database_, owner, now_seconds()));
    CHECK(pass_over_lost_export_ids(database_, found.last_export_id));
    CHECK(transaction.commit());
    return remove_durably(path);
}

}  // namespace stowage::controller
