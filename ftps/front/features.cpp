// The list of extensions.
// Runs in: front.
#include "ftps/front/features.hpp"

namespace stowage::ftps {

std::vector<std::string> features(bool active_mode) {
    std::vector<std::string> lines = {"AUTH TLS",
                                      "PBSZ",
                                      "PROT",
                                      "HOST",
                                      "CLNT",
                                      "CSID",
                                      "REST STREAM",
                                      "RANG STREAM",
                                      "HASH SHA-256*;SHA-1;MD5;CRC32",
                                      "XSHA256 filename;start;end",
                                      "XSHA1 filename;start;end",
                                      "XMD5 filename;start;end",
                                      "XCRC filename;start;end",
                                      "COMB target;source_list",
                                      "AVBL",
                                      "SIZE",
                                      "MDTM",
                                      "MFMT",
                                      "MFCT",
                                      "MFF modify;create;UNIX.mode;",
                                      "EPSV",
                                      "EPRT",
                                      "MLST type*;size*;modify*;create;perm*;unique*;UNIX.mode*;",
                                      "TVFS",
                                      "UTF8"};
    if (!active_mode) std::erase(lines, "EPRT");
    return lines;
}

}  // namespace stowage::ftps
