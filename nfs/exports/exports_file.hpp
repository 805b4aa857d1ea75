// exports(5) as text: what we write for the kernel's nfsd, and what exportfs(8) made of it.
// Runs in: root_step. Distrusts: etab, to which foreign exports files contribute.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nfs/exports/export.hpp"

namespace stowage::nfs {

/// The text of `stowage-<lab>.exports`.
/// @param mount_point of the lab's filesystem, see mount_point_of(): adds `mp`, so that mountd lets nobody in
///                    while that filesystem is not mounted; empty adds nothing
std::string render_exports_file(const Export& meant, const std::string& mount_point);

/// The path in a file that render_exports_file() made; empty if it is none.
std::string path_in_exports_file(std::string_view text);
/// Whether it is of the lab with this path, or with this fsid, whose labs.root was another then. Two gateways
/// on one node, whose labs lie apart, may each have a lab of one name.
bool is_exports_file_of(std::string_view text, std::string_view path, const Uuid& fsid);
/// One client in it, with what stands in the parentheses as exportfs(8) takes it from the command line.
struct Admitted {
    std::string client, options;
};
std::vector<Admitted> admitted_in_exports_file(std::string_view text);

/// Whether anybody's exports(5) text, with quotes, comments and continued lines, exports this path.
bool is_exported_by(std::string_view text, std::string_view path);

/// Whether etab keeps a mount point's name: exportfs(8) writes it there as it is, and mountd reads nothing
/// behind a line with a blank in it, or one of more than 512 bytes.
bool fits_into_etab(std::string_view mount_point);

/// A path as exports(5) wants it: blanks, quotes, '#', '\' and bytes outside printable ASCII as \ooo;
/// without_octal_escapes() is the other way round.
std::string quote_exports_path(std::string_view path);

/// Compares /var/lib/nfs/etab with what was meant: exactly our clients have this path, each with just our
/// rights. Success, or Code::differs with the first difference; Code::not_found when nothing is exported.
/// exportfs(8)'s exit code says none of this.
Result<void> compare_etab(std::string_view etab, const Export& meant, const std::string& mount_point);

/// To whom etab says that this path is exported.
std::vector<std::string> etab_clients(std::string_view etab, std::string_view path);
/// The same with their rights: "10.0.0.0/8", "10.0.0.0/8:ro".
std::vector<std::string> etab_rights(std::string_view etab, std::string_view path);

}  // namespace stowage::nfs
