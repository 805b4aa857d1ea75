// Starting, watching and killing.
// Runs in: system tests of the controller.
#include "tests/system/controller/controller_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "gateway/base/messages/children.hpp"
#include "gateway/base/step_rules.hpp"

namespace stowage::controller::testing {

namespace {

constexpr auto secret = "stand-in-secret";

std::string binary(const char* name) {
    const char* folder = std::getenv("STOWAGE_BIN");
    return (folder ? std::string(folder) : "/nowhere") + "/" + name;
}

/// A child with the channel as descriptor 3 and nothing else of ours.
pid_t spawn(const std::string& path, int channel) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (channel == ipc::supervisor_fd)
        ::fcntl(channel, F_SETFD, 0);
    else
        ::dup2(channel, ipc::supervisor_fd);
    char* const nothing[] = {nullptr};
    ::execle(path.c_str(), path.c_str(), nullptr, nothing);
    ::_exit(127);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

std::string reason_to_skip() {
    if (auto reason = nfs::testing::reason_to_skip(); !reason.empty()) return reason;
    for (const char* name :
         {"stowage-controller", "stowage-root-step", "stowage-nfs-server", "runai_stand_in"})
        if (::access(binary(name).c_str(), X_OK) != 0) return binary(name) + " is not built";
    return {};
}

bool becomes_true(const std::function<bool()>& condition, int seconds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

ControllerRun::ControllerRun(std::map<std::string, std::string> settings) {
    nfs_.start_bus();
    nfs_.start_ganesha();
    start_stand_in();
    const auto& base = nfs_.config;
    ConfigValues values;
    const auto set = [&](const std::string& key, const std::string& value) { values[key] = {value, "test"}; };
    set("state_dir", base.state_dir);
    set("run_dir", base.run_dir);
    set("labs.root", base.labs.root);
    set("labs.quota_backend", "none");
    set("log_level", "info");
    set("nfs.server", "ganesha");
    set("nfs.address", "127.0.0.1");
    set("nfs.port", std::to_string(base.nfs.port));
    set("nfs.bind_address", "127.0.0.1");
    set("ftps.passive_ports", "1100-1199");
    set("nfs.ganesha_graceless", "true");
    set("accounts.password_file", base.state_dir + "/ftps.passwd");
    set("runai.url", fmt::format("http://127.0.0.1:{}", stand_in_port_));
    set("runai.client_id", "stowage");
    set("runai.client_secret_file", base.state_dir + "/secret");
    set("runai.request_timeout", "2s");
    set("reconcile_interval", "5s");
    for (const auto& [key, value] : settings)
        set(key, value);
    values_ = std::move(values);
    config_ = or_throw(parse_config(values_));
    config_text_ = to_text(values_);
    const auto folder = config_.state_dir + "/controller";
    ::mkdir(folder.c_str(), 0700);
    if (::chown(folder.c_str(), controller_uid, controller_uid) != 0)
        throw std::runtime_error("chown " + folder);
    listen();
    stop_event_ = Fd(::eventfd(0, EFD_CLOEXEC));
}

ControllerRun::~ControllerRun() {
    if (supervisor_.joinable()) (void)stop();
    if (stand_in_ > 0) {
        ::kill(stand_in_, SIGKILL);
        ::waitpid(stand_in_, nullptr, 0);
    }
}

void ControllerRun::listen() {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0)
        throw std::runtime_error("listen on " + socket_path());
    // Open to all here, so that a test sees the controller itself refuse a stranger.
    ::chmod(socket_path().c_str(), 0666);
}

void ControllerRun::start_stand_in() {
    const auto port_file = nfs_.config.state_dir + "/stand-in-port";
    const auto path = binary("runai_stand_in");
    stand_in_ = ::fork();
    if (stand_in_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::setenv("RUNAI_STAND_IN_CLIENT_SECRET", secret, 1);
        const Fd null(::open("/dev/null", O_WRONLY));
        ::dup2(null.get(), 1);
        ::execl(path.c_str(), path.c_str(), "--port", "0", "--port-file", port_file.c_str(), "--client-id",
                "stowage", nullptr);
        ::_exit(127);
    }
    if (!becomes_true([&] { return !text_of(port_file).empty(); })) throw std::runtime_error("no stand-in");
    stand_in_port_ = static_cast<std::uint16_t>(std::stoi(text_of(port_file)));
}

pid_t ControllerRun::spawn_controller(Fd& channel) const {
    auto [ours, theirs] = or_throw(ipc::make_pair());
    const auto sealed = or_throw(seal("config", config_text_));
    const auto sealed_secret = or_throw(seal("secret", secret));
    const message::StartController start{controller_uid, controller_uid, admin_gid};
    or_throw(ipc::send(ours.get(), start, {sealed.get(), listener_.get(), sealed_secret.get()}));
    const auto pid = spawn(binary("stowage-controller"), theirs.get());
    channel = std::move(ours);
    return pid;
}

void ControllerRun::change_setting(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_[key] = {value, "test"};
    config_text_ = to_text(values_);
}

void ControllerRun::start() {
    supervisor_ = std::thread([this] { supervise(); });
}

int ControllerRun::stop() {
    stopping_ = true;
    const std::uint64_t one = 1;
    (void)!::write(stop_event_.get(), &one, sizeof one);
    supervisor_.join();
    return last_status_;
}

int ControllerRun::run_another() {
    Fd channel;
    const auto pid = spawn_controller(channel);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void ControllerRun::supervise() {
    while (!stopping_)
        serve_one_run();
}

void ControllerRun::serve_one_run() {
    {
        const std::lock_guard lock(mutex_);
        served_.clear();
        accounts_.clear();
        all_told_ = false;
        pid_ = spawn_controller(channel_);
        ++starts_;
    }
    bool drained = false;
    for (;;) {
        pollfd waits[] = {{channel_.get(), POLLIN, 0}, {drained ? -1 : stop_event_.get(), POLLIN, 0}};
        ::poll(waits, 2, -1);
        if (waits[1].revents) {
            drained = true;
            (void)ipc::send(channel_.get(), message::Drain{20});
        }
        if (!waits[0].revents) continue;
        auto packet = ipc::receive(channel_.get());
        if (!packet) break;
        take(*packet);
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    last_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (!drained && last_status_ != -SIGKILL) {
        ++unexpected_ends_;
        // A controller that cannot start must not be started for ever.
        if (unexpected_ends_ > 5) stopping_ = true;
    }
}

void ControllerRun::take(const ipc::Packet& packet) {
    using message::Type;
    std::unique_lock lock(mutex_);
    switch (packet.header.type) {
        case Type::put_lab: {
            const auto m = or_throw(packet.as<message::PutLab>());
            served_[m.lab.str()] = m;
            break;
        }
        case Type::remove_lab:
            served_.erase(or_throw(packet.as<message::RemoveLab>()).lab.str());
            break;
        case Type::put_account: {
            const auto m = or_throw(packet.as<message::PutAccount>());
            accounts_[m.user.str()] = m.lab.str();
            break;
        }
        case Type::remove_account:
            accounts_.erase(or_throw(packet.as<message::RemoveAccount>()).user.str());
            break;
        case Type::accounts_complete:
            all_told_ = true;
            break;
        case Type::status_query:
            (void)ipc::send(channel_.get(), message::StatusEnd{}, {}, packet.header.id);
            break;
        case Type::step_request:
            lock.unlock();
            do_step(packet);
            break;
        default:
            break;
    }
}

void ControllerRun::do_step(const ipc::Packet& packet) {
    const auto request = or_throw(packet.as<message::StepRequest>());
    or_throw(check_step(request, config_));
    const bool changes =
        request.step != message::Step::observe_lab && request.step != message::Step::stop_set_quota;
    bool kills = false;
    Moment moment = Moment::before;
    if (changes) {
        const std::lock_guard lock(mutex_);
        steps_.emplace_back(name_of(request.step));
        kills = steps_to_kill_ > 0 && --steps_to_kill_ == 0;
        struck_ = struck_ || kills;
        moment = moment_;
    }
    if (kills && moment == Moment::before) return kill_now();
    if (request.step == message::Step::stop_set_quota) stop_walk(request.lab.str());
    if (keep_walking(request, packet.header.id)) return;
    const auto reply = root_step(request);
    if (kills) return kill_now();
    (void)ipc::send(channel_.get(), reply, {}, packet.header.id);
}

message::StepReply ControllerRun::root_step(const message::StepRequest& request) const {
    {
        const std::lock_guard lock(mutex_);
        message::StepReply refused;
        refused.code = static_cast<std::uint16_t>(Code::io);
        refused.what.assign_cut("refused by the test");
        if (refused_.contains(request.step)) return refused;
        if (request.step == message::Step::stop_set_quota) return {};
    }
    auto [ours, theirs] = or_throw(ipc::make_pair());
    const auto sealed = [this] {
        const std::lock_guard lock(mutex_);  // the test may be changing it
        return or_throw(seal("config", config_text_));
    }();
    or_throw(ipc::send(ours.get(), request, {sealed.get()}));
    const auto pid = spawn(binary("stowage-root-step"), theirs.get());
    theirs.reset();
    const auto reply = ipc::receive_as<message::StepReply>(ours.get());
    ours.reset();  // after a look it waits for the next one
    ::waitpid(pid, nullptr, 0);
    if (reply) return as_said(request, *reply);
    message::StepReply failed;
    failed.code = static_cast<std::uint16_t>(Code::unavailable);
    failed.what.assign_cut("root_step ended without an answer");
    return failed;
}

void ControllerRun::kill_at(unsigned nth, Moment moment) {
    const std::lock_guard lock(mutex_);
    moment_ = moment;
    steps_to_kill_ = nth;
    struck_ = false;
}

bool ControllerRun::disarm() {
    const std::lock_guard lock(mutex_);
    steps_to_kill_ = 0;
    return struck_;
}

void ControllerRun::kill_now() const {
    ::kill(pid_, SIGKILL);
}

std::vector<std::string> ControllerRun::take_steps() {
    const std::lock_guard lock(mutex_);
    return std::exchange(steps_, {});
}

std::optional<message::PutLab> ControllerRun::served(const std::string& lab) const {
    const std::lock_guard lock(mutex_);
    const auto found = served_.find(lab);
    return found == served_.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, std::string> ControllerRun::accounts() const {
    const std::lock_guard lock(mutex_);
    return accounts_;
}

std::string ControllerRun::password_file_text() const {
    return text_of(config_.accounts.password_file);
}

}  // namespace stowage::controller::testing
