// Who is connected to the NFS server.
// Runs in: root_step. Distrusts: what clients call themselves, and their number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "nfs/exports/exporter.hpp"

namespace stowage::nfs {

struct ConnectedClient {
    std::string address;
    std::string version;       ///< "4.2", "3"
    std::string name;          ///< the client's own bytes, as the server escapes them; may be empty
    std::string path;          ///< what it has mounted: nfsd tells it of NFSv3 only
    std::int64_t seen_s = -1;  ///< seconds since it was last heard of; -1: not told
    std::uint32_t opens = 0;   ///< files that it has open
};

/// A file /proc/fs/nfsd/clients/N/info; nothing when it is none. Pure.
std::optional<ConnectedClient> parse_client_info(std::string_view text);
/// How many opens a file /proc/fs/nfsd/clients/N/states lists. Pure.
std::uint32_t count_opens(std::string_view text);
/// rmtab(5): NFSv3 mounts, as clients told of them. One that went without a word stays in it. Pure.
std::vector<ConnectedClient> parse_rmtab(std::string_view text);

/// At most `most`. Code::unavailable when the server does not run. Blocking, bounded.
Result<std::vector<ConnectedClient>> list_clients(const Exporter& exporter, std::size_t most);

}  // namespace stowage::nfs
