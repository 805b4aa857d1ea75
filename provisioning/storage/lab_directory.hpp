// A lab's directory: made, looked at, let go, deleted.
// Runs in: root_step, as root. Blocking. Distrusts: everything inside the lab, which members and pods own.
#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/base/result.hpp"
#include "provisioning/storage/marker.hpp"

namespace stowage::storage {

/// Where and whose: `<root_path>/<name>`, uid and gid one number.
struct LabPlace {
    std::string root_path, name;
    uid_t uid = 0;
    LabsRoot labs = {};

    std::string path() const { return root_path + "/" + name; }
};

/// The labs' root directory. Code::config when it is not there or others than root may write in it.
Result<Fd> open_root(const std::string& root_path);

/// The lab's directory; Code::not_found, or Code::differs when something else has its name.
Result<Fd> open_lab(const Fd& root, const LabPlace& place);

/// Makes directory (on btrfs a subvolume, mounted onto itself), marker, owner and mode 2770, or mends what is
/// missing of these. Files inside stay as they are. Code::exists when a directory with foreign files or with
/// another lab's mark is there, saying what it holds. Killed at any point and called again it ends the same;
/// called again when all is well it writes nothing.
/// @param labs_were_made on their filesystem: Code::unavailable, and nothing is made, where labs.root does
/// not
///   bear its mark, unless the lab's own mark is there and no other filesystem's is
Result<void> make_directory(const LabPlace& place, bool labs_were_made = false);

/// Of make_directory() the mount alone, for a lab that is there. Code::not_found without a directory,
/// Code::differs when it is not this lab's.
Result<void> mount_directory(const LabPlace& place);

/// The directory's part of an observation. What is not there is a state, not an error.
Result<message::LabObservation> observe_directory(const LabPlace& place);

/// Takes the lab's own mount away (btrfs); the data stays, and so does what an administrator mounted there.
/// Done twice it is done once.
Result<void> release_directory(const LabPlace& place);

/// Deletes the lab with all its data, and leaves nothing. Code::denied when it holds files and not our
/// marker, Code::in_use while it is mounted elsewhere or something is mounted in it. Killed at any point and
/// called again it goes on. It may take hours on a filesystem without subvolumes.
Result<void> purge_directory(const LabPlace& place);

}  // namespace stowage::storage
