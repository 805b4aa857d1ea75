// Whose file stands under a name that a killed merge had to move.
// Runs in: worker, on the threads that unpack. Distrusts: peers who changed the directories meanwhile.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <set>
#include <string>

#include "ftps/worker/merge_tree.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

bool same_file(const struct stat& a, const struct stat& b);

class MergeTraces {
  public:
    enum class Found { old_one, new_one, peers_one };

    /// @param replaced of MergeSides; stays open
    MergeTraces(int replaced, const KilledMerge& killed) : replaced_(replaced), killed_(killed) {}

    /// What `theirs`, in MergeSides::into, is. @param kept_in where the name would be kept; not open if there
    /// is no such directory @param ours what MergeSides::from has under that name
    /// An error if it cannot be told.
    Result<Found> look(const Fd& kept_in, const std::string& name, const struct stat& ours,
                       const struct stat& theirs);
    /// From now on it is kept.
    void keep(const struct stat& file);

  private:
    Result<bool> is_kept(const struct stat& file);

    const int replaced_;
    const KilledMerge killed_;
    std::optional<std::set<ino_t>> kept_;  // once asked for
};

}  // namespace stowage::ftps
