// stowage-front: TLS of control connections, FTP up to the login, then bytes to the lab's worker and back.
// Runs in: front. Distrusts: everything that comes over the network.
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>

#include "ftps/front/front.hpp"
#include "ftps/front/handshake_memory.hpp"
#include "ftps/front/system_calls.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"

namespace {

using namespace stowage;

// What OpenSSL loads on first use must be there before the root directory is empty.
void load_openssl() {
    OPENSSL_init_ssl(
        OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) throw Fatal({Code::internal, "OpenSSL has no random bytes"});
}

void narrow(const Config& config, const message::StartFront& start) {
    or_throw(privileges::enter_root(config.run_dir + "/empty"));
    or_throw(privileges::become(start.uid, start.gid));
    or_throw(privileges::allow_only(ftps::front_system_calls()));
}

[[noreturn]] void serve() {
    privileges::harden();
    privileges::raise_descriptor_limit();
    for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP})
        (void)::signal(number, SIG_IGN);
    auto first = or_throw(ipc::receive(ipc::supervisor_fd));
    const auto start = or_throw(first.as<message::StartFront>());
    if (first.fds.size() != 1) throw Fatal({Code::protocol, "StartFront without the configuration"});
    const auto text = or_throw(read_sealed(first.fds[0]));
    auto config = or_throw(parse_config(or_throw(values_from_text(text))));
    first.fds.clear();
    log::start("front", config.log_level);
    load_openssl();
    narrow(config, start);

    boost::asio::io_context io(1);
    ftps::Front front(io, std::move(config), ipc::Channel(io.get_executor(), Fd(ipc::supervisor_fd)),
                      start.last_session);
    boost::asio::co_spawn(io, front.run(), boost::asio::detached);
    io.run();
    // Suspended sessions lie in the io_context and point to the Front: neither can go first. The kernel takes
    // both.
    std::_Exit(0);
}

}  // namespace

int main() {
    try {
        ftps::HandshakeMemory::check_process();
        serve();
    } catch (const std::exception& error) {
        log::error("front_failed", {{"why", error.what()}});
        return 1;
    }
}
