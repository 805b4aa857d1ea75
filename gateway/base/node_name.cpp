// Asking the kernel.
// Runs in: controller, supervisor, CLI.
#include "gateway/base/node_name.hpp"

#include <unistd.h>

#include <climits>

namespace stowage {

Result<std::string> nfs_address(const Config& config) {
    if (!config.nfs.address.empty()) return config.nfs.address;
    char name[HOST_NAME_MAX + 1] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        return Error{Code::config, "this host has no name",
                     "set nfs.address to what pods reach this node by"};
    return std::string(name);
}

}  // namespace stowage
