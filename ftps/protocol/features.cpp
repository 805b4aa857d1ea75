// The list of extensions.
// Runs in: front.
#include "ftps/protocol/features.hpp"

namespace stowage::ftps {

std::vector<std::string> features() {
    return {"AUTH TLS",
            "PBSZ",
            "PROT",
            "CLNT",
            "REST STREAM",
            "SIZE",
            "MDTM",
            "MFMT",
            "EPSV",
            "EPRT",
            "MLST type*;size*;modify*;perm*;unique*;UNIX.mode*;",
            "TVFS",
            "UTF8"};
}

}  // namespace stowage::ftps
