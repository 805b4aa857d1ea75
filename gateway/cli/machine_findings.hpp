// What doctor sees of this machine by itself: the certificate, addresses in PASV replies, the clock.
// Runs in: CLI.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "gateway/base/config.hpp"

namespace stowage::cli {

/// What clients are shown, wherever its file lies.
void look_at_certificate(boost::json::array& list, const Config& config, const std::string& socket);

/// A host name that clients use, and its IPv4 addresses.
struct NamedAddresses {
    std::string name;
    std::vector<std::string> addresses;
};

/// The names in the certificate that is served, if a CA issued it, as the resolver answers. Blocks on that.
std::vector<NamedAddresses> served_names(const std::string& socket);

/// IPv4 addresses of this node's interfaces.
std::vector<std::string> own_addresses();

/// Addresses in PASV replies that lead nowhere: the login works, and every listing hangs.
void look_at_passive_addresses(boost::json::array& list, const Config& config);

/// PASV replies tell what the client reached, and nobody said otherwise. A load balancer that speaks the
/// PROXY protocol says it too.
bool tells_own_addresses(const Config& config);

/// A name that leads to none of `own`, where PASV replies tell this node's own addresses.
void look_for_nat(boost::json::array& list, const std::vector<NamedAddresses>& names,
                  const std::vector<std::string>& own);

/// A file from which an NFS server serves a directory of labs.root.
struct ExportFile {
    std::string lab, file;
    std::string remedy;  ///< how to end the export, where nobody looks after it
};

/// Those below `nfs.exports_dir` and `state_dir` whose path is this gateway's; what only root may see is left
/// out for others.
std::vector<ExportFile> export_files(const Config& config);

/// Exports that nobody looks after, of labs that are not in `labs`: a restored backup may not know them any
/// more. Those that are gone since they were listed are left out.
void look_at_exports_of_no_lab(boost::json::array& list, const std::vector<ExportFile>& files,
                               const boost::json::array& labs);

/// Beside a finding "clocks": whether the kernel says that nothing keeps this node's clock right.
void look_at_clock(boost::json::array& list);

}  // namespace stowage::cli
