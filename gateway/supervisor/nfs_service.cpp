// Serving the NFS launcher and what it becomes.
// Runs in: supervisor.
#include "gateway/supervisor/nfs_service.hpp"

#include <signal.h>

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

ProcessSpec launcher(const Context& context, const char* role) {
    return {role, context.executable("stowage-nfs-server"), {role}};
}

}  // namespace

asio::awaitable<void> NfsService::run_bus() {
    auto spec = launcher(context_, "dbus");
    Serve serve_run = [this](Process& process) { return serve(process, bus_); };
    co_await keep_running(context_, bus_, std::move(spec), std::move(serve_run));
}

asio::awaitable<void> NfsService::run_server() {
    auto spec = launcher(context_, "ganesha");
    Serve serve_run = [this](Process& process) { return serve(process, server_); };
    co_await keep_running(context_, server_, std::move(spec), std::move(serve_run));
}

asio::awaitable<Error> NfsService::serve(Process& process, ServiceStatus& status) {
    auto& current = &status == &bus_ ? bus_process_ : server_process_;
    current = &process;
    auto fds = duplicates({&context_.sealed_config});
    auto sent =
        fds ? process.channel().send(message::StartNfsServer{}, std::move(*fds)) : Result<void>(fds.error());
    Error why = sent ? Error{Code::cancelled, ""} : sent.error();
    if (sent) {
        auto packet = co_await receive_admitted(process.channel(), Peer::nfs_server, false);
        status.ready = packet.has_value();
        context_.changes.tell();
        // The launcher's exec closed the channel: from here on only the process itself tells.
        if (packet) co_await process.wait();
    }
    current = nullptr;
    // Ganesha finds its bus at start only: without the bus it would run on unreachable.
    if (&status == &bus_ && server_process_ && !context_.draining) server_process_->signal(SIGTERM);
    co_return why;
}

void NfsService::stop() {
    if (server_process_) server_process_->signal(SIGTERM);
    if (bus_process_) bus_process_->signal(SIGTERM);
}

}  // namespace stowage::supervisor
