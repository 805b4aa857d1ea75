// Starting stowage-front as the supervisor does.
// Runs in: tests.
#include "tests/system/front/front_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "gateway/base/config.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/openssl_handles.hpp"

namespace stowage::testing {

namespace {

Fd listen_somewhere(std::uint16_t& port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = INADDR_ANY;
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), generic, sizeof address) != 0 || ::listen(socket.get(), 4096) != 0 ||
        ::getsockname(socket.get(), generic, &size) != 0)
        throw Fatal(system_error(errno, "listen"));
    port = ntohs(address.sin_port);
    return socket;
}

message::TicketKey ticket_key() {
    message::TicketKey key;
    key.name.fill(1);
    key.aes.fill(2);
    key.hmac.fill(3);
    return key;
}

}  // namespace

CertificateFiles make_certificate(const std::string& dns_name) {
    const openssl::Key key(EVP_EC_gen("P-256"));
    const openssl::Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    const auto names = "DNS:" + dns_name + ",IP:127.0.0.1";
    const openssl::Extension extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
    X509_add_ext(certificate.get(), extension.get(), -1);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const auto chain_text = openssl::memory(), key_text = openssl::memory();
    PEM_write_bio_X509(chain_text.get(), certificate.get());
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {openssl::written(chain_text), openssl::written(key_text)};
}

FrontProcess::FrontProcess(Settings settings, int descriptors) {
    char directory[] = "/tmp/stowage-front-test.XXXXXX";
    if (!::mkdtemp(directory)) throw Fatal(system_error(errno, "mkdtemp"));
    directory_ = directory;
    std::filesystem::create_directory(directory_ + "/empty");
    settings.emplace("run_dir", directory_);
    ConfigValues values;
    for (const auto& [key, value] : settings)
        values[key] = {value, "test"};
    const auto config = or_throw(seal("config", to_text(values)));

    auto pair = or_throw(ipc::make_pair());
    channel_ = std::move(pair.first);
    start(pair.second.get(), descriptors);
    pair.second.reset();
    process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));

    or_throw(ipc::send(channel(), message::StartFront{uid, gid}, {config.get()}));
    const auto plain = listen_somewhere(port_), implicit = listen_somewhere(implicit_port_);
    or_throw(ipc::send(channel(), message::Listener{0}, {plain.get()}));
    or_throw(ipc::send(channel(), message::Listener{1}, {implicit.get()}));
    send_certificate(make_certificate("storage.example"));
    or_throw(ipc::send(channel(), ticket_key()));
    (void)receive<message::Ready>();
}

void FrontProcess::start(int child_end, int descriptors) {
    const auto* folder = std::getenv("STOWAGE_BIN");
    const auto path = std::string(folder ? folder : "build/dev/bin") + "/stowage-front";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_end, ipc::supervisor_fd);
    const auto command =
        (descriptors ? "ulimit -n " + std::to_string(descriptors) + "; " : "") + "exec " + path;
    char shell[] = "/bin/sh", option[] = "-c";
    char* arguments[] = {shell, option, const_cast<char*>(command.c_str()), nullptr};
    char* environment[] = {nullptr};
    const int failed = ::posix_spawn(&pid_, shell, &actions, nullptr, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw Fatal(system_error(failed, "start " + path));
}

FrontProcess::~FrontProcess() {
    if (process_ && pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void FrontProcess::send_certificate(const CertificateFiles& files) {
    const auto chain = or_throw(seal("chain", files.chain)), key = or_throw(seal("key", files.key));
    or_throw(ipc::send(channel(), message::Certificate{}, {chain.get(), key.get()}));
}

bool FrontProcess::is_silent_for(int milliseconds) {
    pollfd wait{channel(), POLLIN, 0};
    return ::poll(&wait, 1, milliseconds) == 0;
}

ipc::Packet FrontProcess::receive_packet() {
    if (is_silent_for(10000)) throw Fatal({Code::timeout, "the front sent nothing"});
    return or_throw(ipc::receive(channel()));
}

Fd FrontProcess::accept_login(const message::LoginRequest& request) {
    auto pair = or_throw(ipc::make_pair());
    message::LoginReply reply;
    reply.session = request.session;
    reply.outcome = message::LoginOutcome::ok;
    (void)reply.lab.assign("lab1");
    or_throw(ipc::send(channel(), reply, {pair.second.get()}));
    return std::move(pair.first);
}

void FrontProcess::refuse_login(const message::LoginRequest& request, message::LoginOutcome outcome,
                                std::string_view text) {
    message::LoginReply reply;
    reply.session = request.session;
    reply.outcome = outcome;
    (void)reply.text.assign(text);
    or_throw(ipc::send(channel(), reply));
}

int FrontProcess::wait_for_exit() {
    pollfd wait{process_.get(), POLLIN, 0};
    if (::poll(&wait, 1, 10000) != 1) return -1;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    process_.reset();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool FrontProcess::is_alive() const {
    pollfd wait{process_.get(), POLLIN, 0};
    return ::poll(&wait, 1, 0) == 0;
}

}  // namespace stowage::testing
