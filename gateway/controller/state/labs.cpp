// Labs and the numbers they are given.
// Runs in: controller.
#include <fmt/format.h>
#include <sys/random.h>

#include <optional>

#include "gateway/base/config_parsers.hpp"
#include "gateway/controller/state/export_ids.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr auto lab_columns =
    "SELECT name, uid, export_id, fsid, quota_bytes, quota_inodes, clients, phase, directory, created_at, "
    "durability, data_tls_resumption, client_cas, "
    "(SELECT project_id FROM uids_used WHERE uids_used.uid = labs.uid), data_source_project FROM labs ";

std::string hex(const message::Uuid& uuid) {
    std::string text;
    for (const auto byte : uuid)
        text += fmt::format("{:02x}", byte);
    return text;
}

message::Uuid uuid_of(const std::string& text) {
    message::Uuid uuid{};
    for (std::size_t i = 0; i < uuid.size() && 2 * i + 1 < text.size(); ++i)
        uuid[i] = static_cast<std::uint8_t>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
    return uuid;
}

/// RFC 4122 version 4.
message::Uuid random_uuid() {
    message::Uuid uuid{};
    if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
        throw Fatal({Code::internal, "getrandom gave no bytes"});
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    return uuid;
}

std::string joined(const std::vector<std::string>& networks) {
    return fmt::format("{}", fmt::join(networks, ","));
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// '' where the lab does not choose.
template <typename T>
std::string text_of(const std::optional<T>& choice) {
    return std::string(choice ? to_string(*choice) : std::string_view());
}

template <typename T>
std::optional<T> choice_in(const std::string& text, Result<T> (*parse)(std::string_view)) {
    auto parsed = parse(text);
    return parsed ? std::optional(*parsed) : std::nullopt;
}

Lab lab_in(const Statement& row) {
    Lab lab;
    lab.name = row.text(0);
    lab.uid = static_cast<std::uint32_t>(row.integer(1));
    lab.export_id = static_cast<std::uint16_t>(row.integer(2));
    lab.fsid = uuid_of(row.text(3));
    lab.settings = {static_cast<std::uint64_t>(row.integer(4)),
                    static_cast<std::uint64_t>(row.integer(5)),
                    split(row.text(6)),
                    choice_in(row.text(10), config_parsers::durability),
                    choice_in(row.text(11), config_parsers::resumption),
                    row.text(12),
                    row.text(14)};
    lab.phase = static_cast<Phase>(row.integer(7));
    lab.directory = static_cast<DirectoryPhase>(row.integer(8));
    lab.created_at = row.integer(9);
    lab.project_id = static_cast<std::uint32_t>(row.integer(13));
    return lab;
}

/// The lowest number of from..max that is not in use.
std::optional<std::int64_t> lowest_free(const sqlite::Database& database, std::string_view used,
                                        std::int64_t from, std::int64_t max) {
    Statement free(
        database,
        fmt::format("SELECT candidate FROM (SELECT ? AS candidate UNION SELECT n + 1 FROM ({0})) "
                    "WHERE candidate BETWEEN ? AND ? AND candidate NOT IN ({0}) ORDER BY candidate LIMIT 1",
                    used),
        from, from, max);
    if (free.next()) return free.integer(0);
    return std::nullopt;
}

/// Which numbers there are: `used` selects those in use as n, `series` names the one given last.
struct Numbers {
    std::string_view series, used;
    std::int64_t min = 0, max = 0;
};

/// The next number behind the one given last, from the range's start again once its end is reached: whoever
/// still holds a number that was given back (a client its NFS handle, a backup its uid) meets a new lab only
/// after all others were given out.
Result<std::int64_t> free_number(const sqlite::Database& database, const Numbers& numbers,
                                 const Error& exhausted) {
    Statement last(database, "SELECT number FROM last_given WHERE series = ?", numbers.series);
    if (last.next() && last.integer(0) >= numbers.min && last.integer(0) < numbers.max)
        if (const auto next = lowest_free(database, numbers.used, last.integer(0) + 1, numbers.max))
            return *next;
    if (const auto lowest = lowest_free(database, numbers.used, numbers.min, numbers.max)) return *lowest;
    return exhausted;
}

Result<void> remember_given(const sqlite::Database& database, std::string_view series, std::int64_t number) {
    return Statement(database,
                     "INSERT INTO last_given(series, number) VALUES(?,?) "
                     "ON CONFLICT(series) DO UPDATE SET number = excluded.number",
                     series, number)
        .run();
}

/// The uid under which files of a deleted lab of this name were kept.
std::optional<std::int64_t> kept_uid(const sqlite::Database& database, const std::string& lab) {
    Statement kept(database, "SELECT uid FROM uids_used WHERE lab = ?", lab);
    if (kept.next()) return kept.integer(0);
    return std::nullopt;
}

Result<std::int64_t> uid_for(const sqlite::Database& database, const std::string& lab, UidRange range) {
    if (const auto uid = kept_uid(database, lab)) {
        if (*uid >= range.min && *uid <= range.max) return *uid;
        return Error{
            Code::config,
            fmt::format(
                "lab {} had uid {}, whose files were kept, and that lies outside of labs.uid_min..uid_max "
                "({}..{})",
                lab, *uid, range.min, range.max),
            "widen the range in the configuration"};
    }
    return free_number(
        database, {"uid", "SELECT uid AS n FROM uids_used", range.min, range.max},
        {Code::no_space,
         fmt::format("every uid of labs.uid_min..uid_max ({}..{}) is in use", range.min, range.max),
         "widen the range in the configuration, or purge labs that are not needed"});
}

/// The first lab may be made on another filesystem than those of before, which keep their mark.
Result<void> begin_labs_root(const sqlite::Database& database) {
    return Statement(database,
                     "UPDATE labs_root SET id = lower(hex(randomblob(16))), known = 1 "
                     "WHERE NOT EXISTS(SELECT 1 FROM labs)")
        .run();
}

}  // namespace

std::vector<Lab> State::labs() const {
    std::vector<Lab> labs;
    Statement row(database_, std::string(lab_columns) + "ORDER BY name");
    while (row.next())
        labs.push_back(lab_in(row));
    return labs;
}

bool State::labs_were_made() const {
    Statement row(database_, "SELECT 1 FROM labs WHERE directory = ? LIMIT 1",
                  static_cast<int>(DirectoryPhase::made));
    return row.next();
}

LabsRoot State::labs_root() const {
    Statement row(database_, "SELECT id, known FROM labs_root");
    if (!row.next()) throw Fatal({Code::internal, "the state database has lost labs_root"});
    return {uuid_of(row.text(0)), row.integer(1) != 0};
}

Result<void> State::set_labs_root_known() {
    if (labs_root().known) return {};
    return Statement(database_, "UPDATE labs_root SET known = 1").run();
}

std::optional<Lab> State::lab(std::string_view name) const {
    Statement row(database_, std::string(lab_columns) + "WHERE name = ?", name);
    if (!row.next()) return std::nullopt;
    return lab_in(row);
}

Result<Lab> State::propose_lab(const std::string& name, const LabSettings& settings, UidRange range) const {
    if (lab(name))
        return Error{Code::exists, fmt::format("lab {} is there already", name),
                     "choose another name, or change the lab with `stowage lab set`"};
    TRY(const auto uid, uid_for(database_, name, range));
    TRY(const auto export_id,
        free_number(database_, {"export_id", "SELECT export_id AS n FROM labs", min_export_id, max_export_id},
                    {Code::no_space, "all export ids are in use", "delete labs that are not needed"}));
    Lab lab;
    lab.name = name;
    lab.uid = static_cast<std::uint32_t>(uid);
    lab.export_id = static_cast<std::uint16_t>(export_id);
    lab.fsid = random_uuid();
    lab.settings = settings;
    lab.created_at = now_seconds();
    return lab;
}

Result<Lab> State::insert_lab(const std::string& name, const LabSettings& settings, UidRange range) {
    TRY(auto lab, propose_lab(name, settings, range));
    if (!kept_uid(database_, name)) CHECK(remember_given(database_, "uid", lab.uid));
    CHECK(remember_given(database_, "export_id", lab.export_id));
    CHECK(Statement(database_, "INSERT OR IGNORE INTO uids_used(uid, lab, since) VALUES(?,?,?)", lab.uid,
                    name, lab.created_at)
              .run());
    CHECK(
        Statement(
            database_,
            "INSERT INTO labs(name, uid, export_id, fsid, quota_bytes, quota_inodes, clients, durability, "
            "data_tls_resumption, client_cas, data_source_project, phase, directory, created_at, state, why, "
            "since, verified_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,0,0,?,?,'not made yet',?,0)",
            name, lab.uid, lab.export_id, hex(lab.fsid), settings.quota_bytes, settings.quota_inodes,
            joined(settings.clients), text_of(settings.durability), text_of(settings.data_tls_resumption),
            settings.client_cas, settings.data_source_project, lab.created_at,
            static_cast<int>(LabState::pending), lab.created_at)
            .run());
    return lab;
}

Result<Lab> State::add_lab(const std::string& name, const LabSettings& settings, UidRange range) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(begin_labs_root(database_));
    TRY(auto lab, insert_lab(name, settings, range));
    CHECK(transaction.commit());
    return lab;
}

Result<void> State::put_labs(const std::vector<NamedSettings>& labs, UidRange range) {
    TRY(auto transaction, Transaction::begin(database_));
    if (!labs.empty()) CHECK(begin_labs_root(database_));
    for (const auto& [name, settings] : labs) {
        if (!lab(name)) {
            CHECK(insert_lab(name, settings, range));
            continue;
        }
        CHECK(Statement(database_,
                        "UPDATE labs SET quota_bytes = ?, quota_inodes = ?, clients = ?, durability = ?, "
                        "data_tls_resumption = ?, client_cas = ?, data_source_project = ? WHERE name = ?",
                        settings.quota_bytes, settings.quota_inodes, joined(settings.clients),
                        text_of(settings.durability), text_of(settings.data_tls_resumption),
                        settings.client_cas, settings.data_source_project, name)
                  .run());
    }
    return transaction.commit();
}

bool State::has_kept_data(const std::string& name) const {
    return !lab(name) && kept_uid(database_, name);
}

Result<void> State::recall_for_purge(const std::string& name, const LabSettings& settings, UidRange range) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(insert_lab(name, settings, range));
    CHECK(Statement(database_, "UPDATE labs SET phase = ?, directory = ? WHERE name = ?",
                    static_cast<int>(Phase::leaving_data_purged), static_cast<int>(DirectoryPhase::made),
                    name)
              .run());
    return transaction.commit();
}

Result<void> State::set_phase(std::string_view lab, Phase phase) {
    return Statement(database_, "UPDATE labs SET phase = ? WHERE name = ?", static_cast<int>(phase), lab)
        .run();
}

Result<void> State::forget_lab(std::string_view lab, bool release_uid) {
    TRY(auto transaction, Transaction::begin(database_));
    CHECK(Statement(database_, "DELETE FROM labs WHERE name = ? AND phase <> 0", lab).run());
    if (release_uid)
        CHECK(Statement(database_,
                        "DELETE FROM uids_used WHERE lab = ? AND uid NOT IN (SELECT uid FROM labs)", lab)
                  .run());
    return transaction.commit();
}

}  // namespace stowage::controller
