// Whom a change of an export may take away before anybody looks at the lab.
// Runs in: root_step. Distrusts: nothing; the files are ours.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/base/identity.hpp"
#include "nfs/exports/export.hpp"

namespace stowage::nfs {

/// The clients in an export file, of kernel nfsd or of NFS-Ganesha, that publish() wrote.
std::vector<Client> clients_on_file(std::string_view text);

/// The mount point that an exports file names with `mp`, see render_exports_file(); empty if it names none.
std::string mount_point_on_file(std::string_view text);

/// `meant` without whom `former` did not let in, or not with these rights: it lets nobody in who was not let
/// in before. It may have no clients at all.
Export within(const Export& meant, const std::vector<Client>& former);

}  // namespace stowage::nfs
