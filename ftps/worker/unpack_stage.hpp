// Where an archive is unpacked before anybody sees it: a hidden directory in /.stowage/partials.
// Runs in: worker, on the threads that unpack. Distrusts: peers who reach that directory over NFS.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "ftps/worker/lab_files.hpp"
#include "ftps/worker/ledger_share.hpp"
#include "ftps/worker/merge_tree.hpp"
#include "ftps/worker/partials.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// One for each archive. All members block.
class UnpackStage {
  public:
    /// A new one, locked (flock(2)) as long as it lives: so that another worker of the lab, which cleans up
    /// when it starts while this one ends, leaves it alone.
    static Result<UnpackStage> make(LabFiles& files);

    /// Removes what is in it, unless it was published: all of it, or what it replaced. While it may hold
    /// what belongs back to its place, it stays, and remove_leftovers() sees to it.
    ~UnpackStage();
    UnpackStage(UnpackStage&&) noexcept;
    UnpackStage& operator=(UnpackStage&&) = delete;

    int directory() const { return tree_.get(); }

    /// Refuses what publish() would refuse anyway, before the work is done.
    static Result<void> check(const LabFiles& files, const std::string& target);

    /// With Durability::full everything is on disk first, and under its name when this returns. A target that
    /// does not exist, or an empty directory: all of it appears in one moment, by one rename. Else
    /// merge_tree(). What that replaced and cannot move back after a failure stays under a name that the
    /// error (Code::io) tells, beside the target. A merge that is killed is finished by remove_leftovers().
    /// @param share kept if something of it stays
    Result<void> publish(LabFiles& files, Partials& partials, const std::string& target,
                         Durability durability, const std::atomic<bool>& aborted, LedgerShare& share);

    /// Finishes what a worker that was killed had begun to merge, and removes what it left; returns how many.
    /// Names that peers have changed since stay as they are, and so does what they may have put where the
    /// target was. What was replaced is kept, as by publish(), where it may not be known to be old.
    static std::size_t remove_leftovers(LabFiles& files, Partials& partials);

  private:
    static constexpr std::string_view prefix = "unpack.";
    static constexpr const char* tree_name = "tree";
    static constexpr const char* replaced_name = "replaced";

    UnpackStage(Fd staging, std::string name) : staging_(std::move(staging)), name_(std::move(name)) {}
    Result<bool> publish_whole(const LabFiles& files, const std::string& target, Fd& parent);
    Result<void> publish_into(LabFiles& files, Partials& partials, const std::string& target, bool durable,
                              const std::atomic<bool>& aborted, LedgerShare& share);
    static bool finish_merge_of(LabFiles& files, Partials& partials, int staging, const Fd& own);
    static bool keep_any_replaced(const LabFiles& files, int staging, int own, const std::string& target);
    static std::string keep_replaced(const LabFiles& files, int staging, int own, const std::string& target);
    static Fd open_own(int directory, const char* name);
    Error not_taken_back(const LabFiles& files, const std::string& target, const Error& why,
                         const NotTakenBack& left);

    Fd staging_;
    std::string name_;
    Fd own_, tree_;
    bool is_merging_ = false;
};

}  // namespace stowage::ftps
