// Who is connected over NFS, as JSON.
// Runs in: controller. Distrusts: what clients call themselves.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// {"clients": [{address, version, name, seen_s, opens, used, labs}]}. NFSv4 servers tell who is connected,
/// not what of theirs somebody mounted: `labs` are those that the client's address may mount, `used` those in
/// which it is known to have files open, or by NFSv3 the one that it mounted. With `lab` only those of it.
boost::json::object nfs_clients_view(const Context& context,
                                     const std::vector<message::NfsClientEntry>& clients,
                                     const std::string& lab);

}  // namespace stowage::controller
