// A lab's directory: made, looked at, let go, deleted.
// Runs in: root_step, as root. Blocking. Distrusts: everything inside the lab, which members and pods own.
#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/messages.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// Where and whose: `<root_path>/<name>`, uid and gid one number.
struct LabPlace {
    std::string root_path, name;
    uid_t uid = 0;

    std::string path() const { return root_path + "/" + name; }
};

/// The labs' root directory. Code::config when it is not there or others than root may write in it.
Result<Fd> open_root(const std::string& root_path);

/// The lab's directory; Code::not_found, or Code::differs when something else has its name.
Result<Fd> open_lab(const Fd& root, const LabPlace& place);

/// Makes directory (on btrfs a subvolume, mounted onto itself), marker, owner and mode 2770, or mends what is
/// missing of these. Files inside stay as they are. Code::exists when a directory with foreign files is
/// there, with some of their names. Killed at any point and called again it ends the same.
Result<void> make_directory(const LabPlace& place);

/// The directory's part of an observation. What is not there is a state, not an error.
Result<message::LabObservation> observe_directory(const LabPlace& place);

/// Takes the lab's mount away (btrfs); the data stays.
Result<void> release_directory(const LabPlace& place);

/// Deletes the lab with all its data. Code::denied without our marker. The directory goes to a folder that
/// only root enters before the first file is deleted, so a half-deleted lab is never seen, and a later call
/// goes on with it.
Result<void> purge_directory(const LabPlace& place);

}  // namespace stowage::storage
