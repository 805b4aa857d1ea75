// The list of extensions.
// Runs in: front, worker.
#include "ftps/protocol/features.hpp"

namespace stowage::ftps {

std::vector<std::string> features() {
    return {"AUTH TLS", "EPRT", "EPSV",        "MDTM", "MLST type*;size*;modify*;perm*;unique*;unix.mode*;",
            "PBSZ",     "PROT", "REST STREAM", "SIZE", "TVFS",
            "UTF8"};
}

}  // namespace stowage::ftps
