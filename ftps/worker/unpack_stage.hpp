// Where an archive is unpacked before anybody sees it: a hidden directory in /.stowage/partials.
// Runs in: worker, on the threads that unpack. Distrusts: peers who reach that directory over NFS.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

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
    /// what belongs back to its place, it stays.
    ~UnpackStage();
    UnpackStage(UnpackStage&&) noexcept;
    UnpackStage& operator=(UnpackStage&&) = delete;

    int directory() const { return own_.get(); }

    /// Refuses what publish() would refuse anyway, before the work is done.
    static Result<void> check(const LabFiles& files, const std::string& target);

    /// With Durability::full everything is on disk first, and under its name when this returns. A target that
    /// does not exist, or an empty directory: all of it appears in one moment, by one rename. Else
    /// merge_tree(). What that replaced and cannot move back after a failure stays under a name that the
    /// error (Code::io) tells, beside the target.
    /// @param share kept if something of it stays
    Result<void> publish(LabFiles& files, Partials& partials, const std::string& target,
                         Durability durability, const std::atomic<bool>& aborted, LedgerShare& share);

    /// Removes those that a worker left which was killed; returns how many.
    static std::size_t remove_leftovers(LabFiles& files);

  private:
    UnpackStage(Fd staging, std::string name) : staging_(std::move(staging)), name_(std::move(name)) {}
    Result<bool> publish_whole(const LabFiles& files, const std::string& target, Fd& parent);
    Result<void> publish_into(LabFiles& files, Partials& partials, const std::string& target,
                              const std::atomic<bool>& aborted, LedgerShare& share);
    std::string keep(const LabFiles& files, const std::string& target);
    std::string keep_in(int directory);
    Error not_taken_back(const LabFiles& files, const std::string& target, const Error& why,
                         const NotTakenBack& left);

    Fd staging_;
    std::string name_;
    Fd own_;
    bool holds_replaced_ = false;
};

}  // namespace stowage::ftps
