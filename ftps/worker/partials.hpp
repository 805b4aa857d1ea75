// Uploads that are not complete: staged in /.stowage/partials, each with its path and user in extended
// attributes once it is more than a moment old. Runs in: worker, on the file threads. Distrusts: what peers
// do to the staging directory over NFS.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ftps/worker/copy_range.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/idle_age.hpp"
#include "ftps/worker/lab_files.hpp"
#include "gateway/base/config.hpp"

namespace stowage::ftps {

/// All members may block on the filesystem and are safe from several threads. Over FTPS a partial stands in
/// for its path; over NFS there is only what publish() has renamed.
class Partials {
  public:
    using Clock = std::chrono::system_clock;

    /// Exclusive right to upload to a path; released with the object. A partial without bytes goes with it.
    class Claim {
      public:
        Claim(Claim&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
        Claim& operator=(Claim&&) = delete;
        ~Claim() {
            if (owner_) owner_->release(id_);
        }

      private:
        friend class Partials;
        Claim(Partials* owner, std::uint64_t id) : owner_(owner), id_(id) {}
        Partials* owner_;
        std::uint64_t id_;
    };

    /// Where an upload begins in its file.
    struct Start {
        bool at_end = false;       ///< APPE
        std::uint64_t offset = 0;  ///< REST
        /// RANG: only the bytes up to here are replaced, what is behind them stays.
        std::optional<std::uint64_t> end = {};
        bool is_new = false;  ///< STOU: nothing of that name may be replaced
    };

    /// @param names_go_with_files file_sync_keeps_names() of the lab
    explicit Partials(LabFiles& files, bool names_go_with_files = false,
                      std::function<Moment()> clocks = &look_at_clocks)
        : files_(files), names_go_with_files_(names_go_with_files), clocks_(std::move(clocks)) {}

    /// Finds what an earlier worker left. Entries that name no path are removed: nobody could ask for them.
    /// Looks at 10000 entries and for three seconds at most: the rest waits for the next worker.
    Result<void> load();

    /// Code::in_use, with who and since when, while another upload to `path` runs.
    Result<Claim> claim(const std::string& path, const std::string& user);
    /// The partial's file, positioned and cut at `start`. What is complete under that name is copied as far
    /// as it is to be kept, so that pods go on reading the old file. A range amid the file becomes a copy of
    /// all of it, unseen: if it fails, the file is as it was. Code::invalid for a position behind the end;
    /// Code::in_use for a range amid an unfinished upload; Code::cancelled if `progress` stopped the copying.
    Result<Fd> open(const Claim& claim, Start start, const CopyProgress& progress = {});
    /// From now on a restart of the worker finds what open() gave. For whoever is going to wait for more of
    /// it: what comes at once needs no mark, and most small files do. Code::no_space, Code::over_quota as a
    /// write.
    Result<void> mark(const Claim& claim, const Fd& file);
    /// A file that nobody sees before publish(): for copies and joins. It goes with the claim or the process;
    /// an idle partial of the same path stays until it is published.
    Result<Fd> open_unseen(const Claim& claim);
    /// Refuses a position behind the end, a range amid an unfinished upload, and a directory of that name,
    /// before the first byte.
    Result<void> check(const std::string& path, Start start);
    /// fsync, rename onto the path, fsync of the directory; then it is an ordinary file. Where names go with
    /// files, the bytes are written, and after the rename one fsync keeps both. Durability::none leaves the
    /// waiting out. Code::exists if `may_replace` is false and somebody took the name meanwhile. An error of
    /// the disk behind the rename is not_safe().
    /// @param new_mode where no file is replaced; one that is gives its own
    Result<void> publish(const Claim& claim, const Fd& file, Durability durability, mode_t new_mode = 0660,
                         bool may_replace = true);
    /// What an interrupted upload leaves is on the disk then. Code::io if something of it was lost: once
    /// nobody has it open, the kernel may forget that it ever knew, and nobody must go on from there.
    Result<void> settle(const Claim& claim, const Fd& file);
    /// Removes the partial of a claim.
    void discard(const Claim& claim);
    /// Takes back what the upload of this claim has added: a partial that it went on with stays as it was
    /// then, unless the filesystem is too full to truncate a file (btrfs at a quota): then it goes whole.
    void take_back(const Claim& claim);
    Ledger& ledger() const { return files_.ledger(); }

    Result<struct stat> stat(const std::string& path);  ///< Code::not_found if there is no partial
    Result<Fd> open_for_reading(const std::string& path);
    /// Partials of names directly in `directory`.
    std::map<std::string, struct stat> children(const std::string& directory);
    bool any_within(const std::string& directory);
    /// The paths of idle ones below `directory`.
    std::vector<std::string> idle_within(const std::string& directory);
    /// Code::not_found if there is none; Code::in_use while it is being uploaded.
    Result<void> remove(const std::string& path);
    Result<void> move(const std::string& from, const std::string& to);
    /// A directory was renamed: its partials go along.
    void move_within(const std::string& from, const std::string& to);
    /// Code::in_use while it is being uploaded: what took its name meanwhile would be gone a moment later.
    Result<void> check_idle(const std::string& path);
    /// For who would make a directory of that name: Code::exists where an upload is unfinished, which would
    /// hide it; Code::in_use while one runs.
    Result<void> check_free(const std::string& path);
    /// For who would take what is there for the whole: Code::in_use where an upload is unfinished or runs.
    Result<void> check_complete(const std::string& path);
    /// A complete file took this name: an idle partial of it is of no more use.
    void superseded(const std::string& path);
    /// Removes partials that have lain idle for `limit`, as far as both clocks agree (IdleAge); returns how
    /// many. Idle time counts from the end of the last upload to it, or from the first call that finds it.
    std::size_t expire(std::chrono::seconds limit);

  private:
    struct Entry {
        std::uint64_t id = 0;
        std::string file;  // its name in the staging directory; empty until opened
        std::string user;
        Clock::time_point since;
        bool active = false;
        bool marked = false;      // `file` has path and user in its attributes
        std::string unseen = {};  // another one in the staging directory, which publish() prefers
        std::uint64_t kept = 0;   // bytes that it had when the running upload went on with it
        std::optional<IdleAge> idle = {};
    };
    using Entries = std::map<std::string, Entry>;

    void release(std::uint64_t id);
    Entries::iterator find(std::uint64_t id);
    Result<std::shared_ptr<const Fd>> staging();
    Result<Fd> create(std::uint64_t id);
    Result<Fd> make_staged(const Fd& directory, const std::string& file, const std::string& path);
    /// copy_range(), counted by the ledger.
    Result<void> copy_counted(const Fd& from, const Fd& to, std::uint64_t size, const std::string& path,
                              const CopyProgress& progress);
    Result<Fd> replace_range(const Claim& claim, const std::string& path, const std::string& file,
                             Start start, const CopyProgress& progress);
    Result<Fd> continue_partial(std::uint64_t id, const std::string& file, const std::string& path,
                                Start start);
    Result<Fd> continue_complete(const Claim& claim, const std::string& path, Start start,
                                 const CopyProgress& progress);
    Result<Fd> open_staged(const std::string& file, int flags, const std::string& path);
    void adopt(const Fd& directory, const char* file);
    void unlink(const std::string& file);
    bool cut(const std::string& file, const std::string& path, std::uint64_t size);
    void grow_older(Entries::iterator entry, Moment now);
    void rekey(Entries::iterator entry, const std::string& to);
    std::optional<struct stat> stat_of(const Entry& entry);

    LabFiles& files_;
    const bool names_go_with_files_;
    const std::function<Moment()> clocks_;
    GroupSync directories_;
    std::mutex mutex_;
    std::shared_ptr<const Fd> staging_;
    Entries entries_;
    std::uint64_t next_id_ = 1;
};

}  // namespace stowage::ftps
