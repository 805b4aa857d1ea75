// libFuzzer: any bytes as the TLS session that a front, taken over, sends to a worker, and any session id.
// Planted, and found within a second: a session of another id offered.
#include <openssl/ssl.h>

#include "ftps/protocol/tls_sessions.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;

namespace {

std::string_view session_of_the_front;

struct Server {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL* ssl = nullptr;

    Server() {
        ftps::resume_session_ids_in(context, [](SSL*, const std::function<bool(std::string_view)>& offer) {
            (void)offer(session_of_the_front);
        });
        ssl = SSL_new(context);
        fuzz::demand(ssl != nullptr);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Server server;
    auto rest = fuzz::text_of(data, size);
    const auto id_size = fuzz::take_value<std::uint8_t>(rest) % 33u;
    const std::string id(rest.substr(0, id_size));
    rest.remove_prefix(id.size());
    session_of_the_front = rest;
    int copy = 1;
    auto* found = SSL_CTX_sess_get_get_cb(server.context)(
        server.ssl, reinterpret_cast<const unsigned char*>(id.data()), static_cast<int>(id.size()), &copy);
    fuzz::demand(copy == 0);
    if (!found) return 0;
    unsigned found_size = 0;
    const auto* bytes = SSL_SESSION_get_id(found, &found_size);
    fuzz::demand(fuzz::text_of(bytes, found_size) == id);
    SSL_SESSION_free(found);
    return 0;
}
