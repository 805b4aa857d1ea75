// libFuzzer: any bytes as ALPN list, SNI and HOST, and names for logs.
// Planted, and found within a second: an ALPN name read behind the list's end.
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>

#include "ftps/front/server_names.hpp"
#include "gateway/base/log.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using fuzz::demand;

namespace {

// Names what a real one does: a host and a wildcard.
X509* certificate() {
    auto* made = X509_new();
    auto* names = X509V3_EXT_nconf_nid(nullptr, nullptr, NID_subject_alt_name,
                                       "DNS:storage.example.org,DNS:*.labs.example.org,IP:192.0.2.1");
    demand(made && names && X509_add_ext(made, names, -1) == 1);
    X509_EXTENSION_free(names);
    return made;
}

bool ends_as_ours(std::string_view name) {
    return name.size() >= 15;  // of "storage.example.org" and every host of the wildcard
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static X509* const ours = certificate();
    const auto text = fuzz::text_of(data, size);
    if (const auto chosen = ftps::choose_protocol(text)) demand(*chosen == "ftp");
    const bool host = ftps::is_host_of(ours, text);
    demand(!host || ends_as_ours(text) || text == "192.0.2.1");
    demand(!host || ftps::answers_to(ours, text));
    const auto shown = log::escaped(text);
    for (const char c : shown)
        demand(c >= 0x20 && c < 0x7f);
    return 0;
}
