// stowage-worker: the FTPS sessions of one lab, as the lab's user, inside the lab's directory.
// Runs in: worker. Distrusts: everything but the supervisor's packets.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <csignal>

#include "ftps/worker/archive_reader.hpp"
#include "ftps/worker/journaled_names.hpp"
#include "ftps/worker/own_threads.hpp"
#include "ftps/worker/system_calls.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"

namespace stowage::ftps {

namespace {

struct Start {
    message::StartWorker order;
    Config config;
};

Start receive_start() {
    auto packet = or_throw(ipc::receive(ipc::supervisor_fd));
    const auto order = or_throw(packet.as<message::StartWorker>());
    if (packet.fds.size() != 1) throw Fatal({Code::protocol, "StartWorker comes with the configuration"});
    auto config = or_throw(parse_config(or_throw(values_from_text(or_throw(read_sealed(packet.fds[0]))))));
    return {order, std::move(config)};
}

Worker::Root narrow(const message::StartWorker& order) {
    // OpenSSL reads its configuration now: later /etc would be the lab's.
    if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr) != 1)
        throw Fatal({Code::internal, "OpenSSL cannot be initialised"});
    or_throw(ArchiveReader::prepare_process());
    const bool names_go_with_files = file_sync_keeps_names(order.directory.str());  // asks /sys
    or_throw(privileges::enter_root(order.directory.str()));
    or_throw(privileges::become(order.uid, order.gid));
    // Pods run as anybody with the lab's group: others have no rights, the group has all.
    ::umask(007);
    or_throw(privileges::allow_only(system_calls()));
    Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) throw Fatal(system_error(errno, "open the lab's root directory"));
    return {std::move(root), names_go_with_files};
}

/// Never returns to its caller: coroutines and threads refer to what lies here, and transfers of a lab whose
/// filesystem hangs cannot be waited for. Everything that was acknowledged is on disk.
[[noreturn]] void run(Start start) {
    auto root = narrow(start.order);
    asio::io_context context(1);
    Worker worker(context, std::move(start.config), start.order.lab.str(), std::move(root),
                  Fd(ipc::supervisor_fd), start.order.hash_key);
    OPENSSL_cleanse(start.order.hash_key.data(), start.order.hash_key.size());
    // Uploads will say it again, to those whom it concerns; downloads work without.
    if (const auto loaded = worker.partials.load(); !loaded)
        log::error("staging_unavailable", {{"why", loaded.error().text()}});
    const auto end_on_throw = [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(context, serve_supervisor(worker), end_on_throw);
    asio::co_spawn(context, watch_idleness(worker), end_on_throw);
    asio::co_spawn(context, expire_partials(worker), end_on_throw);
    try {
        or_throw(worker.supervisor.send(message::Ready{}));
        context.run();
    } catch (const std::exception& error) {
        log::error("worker_failed", {{"why", error.what()}});
        std::_Exit(1);
    }
    std::_Exit(0);
}

}  // namespace

}  // namespace stowage::ftps

int main() {
    using namespace stowage;
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    log::start("worker", log::Level::info);
    ftps::keep_memory_of_transfers();
    ftps::keep_stacks_small();
    try {
        privileges::harden();
        privileges::raise_descriptor_limit();
        auto start = ftps::receive_start();
        log::start("worker:" + start.order.lab.str(), start.config.log_level);
        ftps::run(std::move(start));
    } catch (const std::exception& error) {
        log::error("worker_failed", {{"why", error.what()}});
        return 1;
    }
}
