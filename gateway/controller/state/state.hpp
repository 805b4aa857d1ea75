// The state database: labs, uids, accounts, what we own elsewhere, and the journal of steps.
// Runs in: controller. Distrusts: the file and the disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/controller/state/records.hpp"
#include "gateway/controller/state/sqlite.hpp"

namespace stowage::controller {

struct UidRange {
    std::uint32_t min = 0, max = 0;
};

/// What is written down before a step begins, so that a crash in its middle cannot make our own work look
/// like somebody else's.
struct StepIntent {
    bool unverifies = false;  ///< the lab counts as not verified until it is checked again
    bool makes_directory = false;
    std::uint32_t gives_project = 0;  ///< the lab's from now on
    std::optional<runai::NfsDataSource> makes_data_source = {};
};

/// By what the labs' filesystem is known: another one is given whenever a first lab is made.
struct LabsRoot {
    message::Uuid id{};
    bool known = false;  ///< it was seen to bear it; databases of former versions begin without
};

/// A lab's name with what is wanted of it.
struct NamedSettings {
    std::string name;
    LabSettings settings;
};

/// What follows from a step that was done, recorded in the same transaction as its end.
struct StepOutcome {
    bool made_directory = false;
    std::optional<OwnedDataSource> data_source = {};
    bool drops_data_source = false;
};

/// Reads throw Fatal: without the database there is nothing to do. Writes answer an Error when they are
/// refused (Code::no_space, Code::denied) and throw when the database is lost. All calls block on the disk;
/// each write is durable when it returns.
class State {
  public:
    /// Locks, opens and migrates `<directory>/stowage.db`, and takes what a restore found
    /// (base/found_on_disk.hpp): such uids are their labs' as if their data had been kept, such Export_Ids
    /// are passed over. Code::in_use when another gateway has it, Code::config for a damaged or newer
    /// database, Code::denied, Code::no_space.
    static Result<State> open(const std::string& directory);

    std::vector<Lab> labs() const;
    /// One of them at least has a directory.
    bool labs_were_made() const;
    LabsRoot labs_root() const;
    /// Their filesystem was seen to bear that id. Writes only what differs from before.
    Result<void> set_labs_root_known();
    std::optional<Lab> lab(std::string_view name) const;

    /// The lab as add_lab() would make it now, without making it: for a plan. Code::no_space when uids or
    /// export ids have run out.
    Result<Lab> propose_lab(const std::string& name, const LabSettings& settings, UidRange range) const;
    /// Gives it a uid (the same again, if one is kept for its name), an export id and an fsid, all in one
    /// transaction. Code::exists.
    Result<Lab> add_lab(const std::string& name, const LabSettings& settings, UidRange range);
    /// Adds the labs that are not there and changes those that are, all of them or none.
    Result<void> put_labs(const std::vector<NamedSettings>& labs, UidRange range);
    /// Found in labs.root and not known: as if the lab had been deleted and its data kept.
    Result<void> keep_uid(std::uint32_t uid, const std::string& lab);
    /// A lab of this name was deleted and its data kept.
    bool has_kept_data(const std::string& name) const;
    /// Such a lab again, with the numbers that are kept for it, on its way out together with its data.
    /// Code::exists.
    Result<void> recall_for_purge(const std::string& name, const LabSettings& settings, UidRange range);
    Result<void> set_phase(std::string_view lab, Phase phase);
    /// Ends a lab that leaves: its row goes, and with `release_uid`, for when no file is left, its uid too.
    Result<void> forget_lab(std::string_view lab, bool release_uid);

    LabStatus status(std::string_view lab) const;
    /// Writes only what differs from before; `since` is set when state or reason changed.
    Result<void> set_status(std::string_view lab, LabState state, std::string_view why);
    std::vector<Check> checks(std::string_view lab) const;
    /// Replaces the checks; all of them ok makes the lab verified now, else it is not verified.
    Result<void> set_checks(std::string_view lab, const std::vector<Check>& checks);

    FoundRight found_right(std::string_view lab) const;
    /// Writes only what differs from before; so do the next two.
    Result<void> set_found_right(std::string_view lab, const FoundRight& right);
    /// The warning level (see quota_warning.hpp) that was told last.
    int quota_warned(std::string_view lab) const;
    Result<void> set_quota_warned(std::string_view lab, int level);

    /// Newest first.
    std::vector<DriftRecord> drift(std::string_view lab) const;
    /// Adds these, each in place of an older one of the same thing, and forgets closed ones of long ago.
    Result<void> put_drift(std::string_view lab, const std::vector<DriftRecord>& records);

    std::optional<OwnedDataSource> data_source(std::string_view lab) const;

    std::vector<Account> accounts() const;
    std::optional<Account> account(std::string_view user) const;
    Result<void> add_account(std::string_view user, std::string_view lab);
    Result<void> set_account_phase(std::string_view user, AccountPhase phase);
    Result<void> drop_account(std::string_view user);

    std::vector<OwnedObject> objects() const;
    /// Something is about to be made: written down before the request, so that what is found after a crash is
    /// known to be ours. Returns the journal's id.
    Result<std::int64_t> begin_object(const OwnedObject& intent, std::string_view step);
    /// It is there, or (with `gone`) it is not any more.
    Result<void> end_object(std::int64_t id, const OwnedObject& owned, bool gone = false);
    /// @param not_made it was certainly not made: the intent goes
    Result<void> fail_object(std::int64_t id, const OwnedObject& intent, const Error& error, bool not_made);
    /// These were not made, as a look at all of Run:ai told.
    Result<void> forget_intents(const std::vector<OwnedObject>& intents);
    /// The Run:ai part of the site file that was applied last, as it was sent; empty: none was.
    std::string applied_site() const;
    Result<void> set_applied_site(std::string_view text);

    /// A step begins.
    Result<std::int64_t> begin_step(std::string_view lab, std::string_view step, const StepIntent& intent);
    /// It ended: with its consequences, or with an error.
    Result<void> end_step(std::int64_t id, std::string_view lab, const StepOutcome& outcome);
    /// @param not_made the data source that was intended was certainly not made
    Result<void> fail_step(std::int64_t id, std::string_view lab, const Error& error, bool not_made = false);
    /// Steps that were cut off. Marks them so that they are told once, and what is intended in Run:ai as
    /// asked for just now: whoever was to write down when did not come to it.
    Result<std::vector<InterruptedStep>> take_interrupted();

    /// The bytes of a database file with everything as it is now.
    Result<std::string> snapshot() const { return database_.snapshot(); }

  private:
    State(Fd lock, sqlite::Database database) : lock_(std::move(lock)), database_(std::move(database)) {}
    Result<void> take_found(const std::string& path);
    Result<Lab> insert_lab(const std::string& name, const LabSettings& settings, UidRange range);
    Result<void> write_data_source(std::string_view lab, const OwnedDataSource& owned);

    Fd lock_;
    sqlite::Database database_;
};

/// Seconds since the epoch.
std::int64_t now_seconds();

}  // namespace stowage::controller
