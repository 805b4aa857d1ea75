// The supervisor's and the front's part.
// Runs in: tests only.
#include "tests/system/worker/rig.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "ftps/protocol/session_packets.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

template <typename Bytes>
void fill(Bytes& bytes) {
    if (::getrandom(bytes.data(), bytes.size(), 0) < 0) throw std::runtime_error("getrandom");
}

std::string binary() {
    const auto* folder = std::getenv("STOWAGE_BIN");
    return std::string(folder ? folder : "build/dev/bin") + "/stowage-worker";
}

}  // namespace

void Control::send(const std::string& line) {
    send_raw(line + "\r\n");
}

void Control::send_raw(const std::string& bytes) {
    const auto packet = std::string(1, session_packet::data) + bytes;
    (void)::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

void Control::send_tls_session(const std::string& der) {
    const auto packet = std::string(1, session_packet::tls_session) + der;
    (void)::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

Reply Control::read(int seconds) {
    Reply reply;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    for (;;) {
        // A reply ends with a line "NNN text".
        for (std::size_t at = 0;;) {
            const auto end = buffer_.find("\r\n", at);
            if (end == std::string::npos) break;
            if (end - at >= 4 && std::isdigit(buffer_[at]) && buffer_[at + 3] == ' ') {
                reply.code = std::stoi(buffer_.substr(at, 3));
                reply.text = buffer_.substr(0, end + 2);
                reply.ticket = std::exchange(ticket_, false);
                reply.ticket_alone = std::exchange(ticket_alone_, false);
                buffer_.erase(0, end + 2);
                return reply;
            }
            at = end + 2;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
        pollfd waited{socket_.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waited, 1, static_cast<int>(left.count())) <= 0) return reply;
        char packet[session_packet::max_payload + 1];
        const auto got = ::recv(socket_.get(), packet, sizeof packet, 0);
        if (got <= 0) return reply;
        if (packet[0] == session_packet::ticket) ticket_ = true;
        if (packet[0] == session_packet::ticket_alone) ticket_alone_ = true;
        if (packet[0] == session_packet::close) {
            close_ = true;
            socket_.reset();
            return reply;
        }
        if (packet[0] == session_packet::data || packet[0] == session_packet::ticket)
            buffer_.append(packet + 1, static_cast<std::size_t>(got) - 1);
    }
}

bool Control::is_given_a_ticket() {
    pollfd waited{socket_.get(), POLLIN, 0};
    char packet[session_packet::max_payload + 1];
    return ::poll(&waited, 1, 10'000) > 0 && ::recv(socket_.get(), packet, sizeof packet, 0) == 1 &&
           packet[0] == session_packet::ticket_alone;
}

Rig::Rig(Options options) : options_(std::move(options)) {
    ::signal(SIGPIPE, SIG_IGN);
    if (options_.directory.empty()) {
        char pattern[] = "/var/tmp/stowage-worker-test.XXXXXX";
        if (!::mkdtemp(pattern)) throw std::runtime_error("mkdtemp");
        lab_ = fs::path(pattern) / "lab1";
        fs::create_directory(lab_);
    } else {
        lab_ = options_.directory;
    }
    if (::chown(lab_.c_str(), lab_uid, lab_uid) != 0 || ::chmod(lab_.c_str(), 02770) != 0)
        throw std::runtime_error("chown of the lab");
    fill(hash_key_);
    fill(key_.name);
    fill(key_.aes);
    fill(key_.hmac);
    start();
}

void Rig::start() {
    auto [ours, theirs] = or_throw(ipc::make_pair());
    const auto program = binary();
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(theirs.get(), ipc::supervisor_fd);
        if (theirs.get() == ipc::supervisor_fd) ::fcntl(ipc::supervisor_fd, F_SETFD, 0);
        if (::getppid() != parent) ::_exit(1);
        const rlimit few{options_.descriptors, options_.descriptors};
        // As the supervisor may have them, from whoever started it: the worker must not keep them.
        const gid_t others[] = {1, 2};
        if (::setgroups(std::size(others), others) != 0) ::_exit(1);
        if (options_.descriptors > 0 && ::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(1);
        char* const arguments[] = {const_cast<char*>("stowage-worker"), nullptr};
        char* const environment[] = {nullptr};
        ::execve(program.c_str(), arguments, environment);
        ::_exit(127);
    }
    supervisor_ = std::move(ours);

    ConfigValues values;
    values["ftps.passive_ports"] = {"42000-42999", "test"};
    for (const auto& [key, value] : options_.config)
        values[key] = {value, "test"};
    const auto config = or_throw(seal("config", to_text(values)));
    message::StartWorker start_worker;
    start_worker.lab.assign_cut("lab1");
    start_worker.uid = start_worker.gid = lab_uid;
    start_worker.hash_key = hash_key_;
    start_worker.directory.assign_cut(lab_.string());
    or_throw(ipc::send(supervisor_.get(), start_worker, {config.get()}));
    if (options_.optional_resumption) send_certificate();
    send_settings(
        {options_.quota_bytes, options_.quota_inodes, options_.durable, options_.optional_resumption});
    or_throw(ipc::send(supervisor_.get(), key_));
    const timeval limit{20, 0};
    ::setsockopt(supervisor_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    or_throw(ipc::receive_as<message::Ready>(supervisor_.get()));
    if (options_.quota_bytes > 0 || options_.quota_inodes > 0)
        answering_ = std::thread([this] { answer_queries(); });
}

void Rig::answer_queries() {
    for (;;) {
        auto packet = ipc::receive(supervisor_.get());
        if (!packet && packet.error().code == Code::unavailable) continue;
        if (!packet) return;
        if (packet->header.type != message::Type::usage_query) continue;
        ++usage_queries_;
        const auto usage = options_.usage ? options_.usage() : message::LabUsage{};
        if (!ipc::send(supervisor_.get(), usage, {}, packet->header.id)) return;
    }
}

void Rig::hang_up() {
    ::shutdown(supervisor_.get(), SHUT_RDWR);
    if (answering_.joinable()) answering_.join();
    supervisor_.reset();
}

void Rig::send_settings(const message::LabSettings& settings) {
    or_throw(ipc::send(supervisor_.get(), settings));
}

void Rig::send_certificate() {
    const auto [certificate_text, key_text] = self_signed();
    const auto certificate = or_throw(seal("certificate", certificate_text));
    const auto key = or_throw(seal("key", key_text));
    or_throw(ipc::send(supervisor_.get(), message::Certificate{}, {certificate.get(), key.get()}));
}

void Rig::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    hang_up();  // behind it no other thread asks for pid_
    pid_ = -1;
}

int Rig::wait_for_exit() {
    for (int i = 0; i < 1000; ++i) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            return status;
        }
        ::poll(nullptr, 0, 10);
    }
    return -1;
}

std::size_t Rig::descriptors() const {
    const auto folder = "/proc/" + std::to_string(pid_) + "/fd";
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::size_t Rig::listeners() const {
    const auto process = "/proc/" + std::to_string(pid_);
    std::set<std::string> listening;
    for (const auto* table : {"/net/tcp", "/net/tcp6"}) {
        std::ifstream lines(process + table);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
            if (fields.size() > 9 && fields[3] == "0A") listening.insert("socket:[" + fields[9] + "]");
        }
    }
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(process + "/fd")) {
        std::error_code closed_meanwhile;
        count += listening.count(fs::read_symlink(entry, closed_meanwhile));
    }
    return count;
}

bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        ::poll(nullptr, 0, 20);
    }
    return false;
}

Rig::~Rig() {
    kill();
    std::error_code ignored;
    if (options_.directory.empty()) fs::remove_all(lab_.parent_path(), ignored);
}

message::Nonce Rig::new_nonce() {
    message::Nonce nonce;
    fill(nonce);
    return nonce;
}

Rig::Login Rig::login(const std::string& user, const std::string& peer, int version,
                      const std::string& local) {
    message::SessionStart start_session;
    start_session.nonce = new_nonce();
    start_session.user.assign_cut(user);
    start_session.peer.assign_cut(peer);
    start_session.local.assign_cut(local);
    start_session.bound.assign_cut("127.0.0.1");
    start_session.tls_version = static_cast<std::uint16_t>(version);
    return login_as(start_session, next_session_++);
}

Rig::Login Rig::login(const message::Nonce& nonce, const std::string& user) {
    message::SessionStart start_session;
    start_session.nonce = nonce;
    start_session.user.assign_cut(user);
    for (auto* address : {&start_session.peer, &start_session.local, &start_session.bound})
        address->assign_cut("127.0.0.1");
    start_session.tls_version = tls13;
    return login_as(start_session, next_session_++);
}

Rig::Login Rig::login_again(std::uint64_t session, const std::string& user) {
    const auto after = std::exchange(next_session_, session);
    auto again = login(user);
    next_session_ = after;
    return again;
}

Rig::Login Rig::login_as(message::SessionStart start_session, std::uint64_t session) {
    auto [ours, theirs] = or_throw(ipc::make_pair());
    Login login;
    login.nonce = start_session.nonce;
    start_session.session = session;
    start_session.prot_private = 1;
    or_throw(ipc::send(supervisor_.get(), start_session, {theirs.get()}));
    theirs.reset();  // who refuses the session is heard at once
    login.control = std::make_unique<Control>(std::move(ours));
    login.welcome = login.control->read();
    return login;
}

std::uint16_t Rig::epsv(Control& control) {
    const auto text = control.ask("EPSV").text;
    const auto bars = text.find("|||");
    return bars == std::string::npos ? 0 : static_cast<std::uint16_t>(std::stoi(text.substr(bars + 3)));
}

Reply Rig::store(Login& login, const std::string& command, const std::string& bytes, int version) {
    Data data(epsv(*login.control), "127.0.0.1", mint(key_, login.nonce, version), version);
    auto opened = login.control->ask(command);
    if (opened.code != 150) return opened;
    if (data.handshake() && data.write(bytes)) data.finish();
    return login.control->read();
}

Reply Rig::retrieve(Login& login, const std::string& command, std::string& bytes, int version) {
    Data data(epsv(*login.control), "127.0.0.1", mint(key_, login.nonce, version), version);
    auto opened = login.control->ask(command);
    if (opened.code != 150) return opened;
    if (data.handshake()) bytes = data.read_all();
    data.finish();
    data.cut();
    auto last = login.control->read();
    if (!data.ended_well() && last.code == 226) last.text += " (but the data had no close_notify)";
    return last;
}

std::string Rig::content(const std::string& path) const {
    std::ifstream file(lab_.string() + path, std::ios::binary);
    if (!file) return "(missing)";
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

void Rig::write_as_pod(const std::string& path, const std::string& bytes) const {
    const auto whole = lab_.string() + path;
    std::ofstream(whole, std::ios::binary) << bytes;
    if (::chown(whole.c_str(), lab_uid, lab_uid) != 0) throw std::runtime_error("chown " + whole);
}

std::vector<std::string> Rig::visible() const {
    std::vector<std::string> names;
    for (auto entry = fs::recursive_directory_iterator(lab_); entry != fs::recursive_directory_iterator();
         ++entry) {
        if (entry->path().filename() == ".stowage") {
            entry.disable_recursion_pending();
            continue;
        }
        names.push_back(fs::relative(entry->path(), lab_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::size_t Rig::staged() const {
    const auto folder = lab_ / ".stowage/partials";
    if (!fs::exists(folder)) return 0;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace stowage::ftps::rig
