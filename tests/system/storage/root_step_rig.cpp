// Starting root_step, and killing it at a chosen system call.
#include "tests/system/storage/root_step_rig.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "gateway/base/config.hpp"

namespace stowage::storage {

namespace {

using message::Step;

/// System calls that change the filesystem, mounts or quotas.
bool changes_something(const __ptrace_syscall_info& call) {
    static const std::set<std::uint64_t> calls = {
        SYS_mkdir,   SYS_mkdirat,       SYS_write,     SYS_fchown,     SYS_fchmod,  SYS_fchownat,
        SYS_rename,  SYS_renameat,      SYS_unlinkat,  SYS_unlink,     SYS_rmdir,   SYS_ioctl,
        SYS_mount,   SYS_umount2,       SYS_fsync,     SYS_flock,      SYS_sendmsg, SYS_mount_setattr,
        SYS_openat2, SYS_timer_settime, SYS_renameat2, SYS_quotactl_fd};
    if (call.entry.nr == SYS_openat) return (call.entry.args[2] & O_CREAT) != 0;
    return calls.contains(call.entry.nr);
}

std::string executable() {
    const char* folder = std::getenv("STOWAGE_BIN");
    if (folder) return std::string(folder) + "/stowage-root-step";
    // Started by hand from build/<preset>/tests.
    return std::filesystem::canonical("/proc/self/exe").parent_path().parent_path().string() +
           "/bin/stowage-root-step";
}

[[noreturn]] void become_root_step(int channel, bool traced) {
    if (traced) ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    const int kept = ::dup(channel);  // dup2() onto itself would leave close-on-exec in place
    ::dup2(kept, ipc::supervisor_fd);
    ::close(kept);
    const auto path = executable();
    char* const arguments[] = {const_cast<char*>(path.c_str()), nullptr};
    char* const environment[] = {nullptr};
    ::execve(path.c_str(), arguments, environment);
    ::_exit(127);
}

RunningStep launch(const message::StepRequest& request, const Fd& config, bool traced) {
    auto pair = or_throw(ipc::make_pair());
    or_throw(ipc::send(pair.first.get(), request, {config.get()}));
    const pid_t pid = ::fork();
    if (pid == 0) become_root_step(pair.second.get(), traced);
    return {pid, std::move(pair.first)};
}

/// Goes on to the next system call's entry or exit; false at the end of the process.
bool next_stop(pid_t pid, __ptrace_syscall_info& call) {
    for (int signal = 0;;) {
        int status = 0;
        if (::ptrace(PTRACE_SYSCALL, pid, nullptr, signal) != 0 || ::waitpid(pid, &status, 0) != pid)
            return false;
        if (!WIFSTOPPED(status)) return false;
        signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) break;
        if (signal == SIGTRAP) signal = 0;
    }
    return ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call) > 0;
}

Fd sealed(const std::map<std::string, std::string>& settings) {
    ConfigValues values;
    for (const auto& [key, text] : settings)
        values[key] = {text, "test"};
    return or_throw(seal("config", to_text(values)));
}

}  // namespace

RunningStep::~RunningStep() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

bool RunningStep::answers_within(int milliseconds) const {
    pollfd wait{channel_.get(), POLLIN, 0};
    return ::poll(&wait, 1, milliseconds) > 0;
}

Result<message::StepReply> RunningStep::reply() {
    if (!answers_within(60'000)) return Error{Code::timeout, "root_step does not answer"};
    auto answer = ipc::receive_as<message::StepReply>(channel_.get());
    channel_.reset();  // after a look it waits for the next one
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    if (answer && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return Error{Code::internal, "root_step did not exit 0"};
    return answer;
}

Result<message::StepReply> RunningStep::reply_and_ask(const message::StepRequest& next) {
    TRY(const auto answer, ipc::receive_as<message::StepReply>(channel_.get()));
    CHECK(ipc::send(channel_.get(), next));
    return answer;
}

void RootStepRig::SetUp() {
    FilesystemRig::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(std::filesystem::exists(executable())) << executable();
    std::filesystem::create_directory(folder_ + "/run");
    std::filesystem::create_directory(folder_ + "/state");
    passwords_ = folder_ + "/state/passwords";
    settings_ = {{"run_dir", folder_ + "/run"},
                 {"nfs.exports_dir", folder_ + "/exports.d"},
                 {"state_dir", folder_ + "/state"},
                 {"labs.root", root_},
                 {"accounts.password_file", passwords_},
                 // No server at all: what the exports need is tested where they are.
                 {"nfs.server", "ganesha"},
                 {"nfs.ganesha_executable", folder_ + "/none"}};
}

message::StepRequest RootStepRig::request(Step step, const std::string& lab) const {
    message::StepRequest asked;
    asked.step = step;
    asked.lab.assign_cut(lab);
    asked.uid = asked.gid = lab_uid;
    if (step == Step::observe_lab) {
        asked.export_id = 1;
        asked.fsid[0] = 1;
    }
    return asked;
}

message::StepRequest RootStepRig::password_request(Step step, const std::string& user) const {
    message::StepRequest asked;
    asked.step = step;
    asked.user.assign_cut(user);
    if (step == Step::set_password) asked.password_hash.assign_cut("$y$j9T$abc/def.$ghi");
    return asked;
}

RunningStep RootStepRig::start(const message::StepRequest& asked) const {
    return launch(asked, sealed(settings_), false);
}

Result<message::LabObservation> RootStepRig::perform(const message::StepRequest& asked) const {
    auto running = start(asked);
    TRY(const auto answer, running.reply());
    if (answer.code != 0)
        return Error{static_cast<Code>(answer.code), answer.what.str(), answer.remedy.str()};
    return answer.observation;
}

bool RootStepRig::killed_before_change(const message::StepRequest& asked, int n) const {
    auto running = launch(asked, sealed(settings_), true);
    int status = 0;
    if (::waitpid(running.pid(), &status, 0) != running.pid() || !WIFSTOPPED(status)) return false;
    ::ptrace(PTRACE_SETOPTIONS, running.pid(), nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    __ptrace_syscall_info call{};
    while (next_stop(running.pid(), call)) {
        const bool entered = call.op == PTRACE_SYSCALL_INFO_ENTRY;
        if (entered && changes_something(call) && --n == 0) return true;  // ~RunningStep kills it
    }
    running.has_ended();
    return false;
}

int RootStepRig::walk(const std::function<message::StepRequest(int)>& prepare,
                      const std::function<void(int)>& check) {
    for (int n = 1; n < 1000; ++n) {
        const auto asked = prepare(n);
        const bool killed = killed_before_change(asked, n);
        const auto done = perform(asked);
        EXPECT_TRUE(done) << "after a kill before change " << n << ": " << done.error().text();
        check(n);
        if (!killed || !done || testing::Test::HasFailure()) return n - 1;
    }
    ADD_FAILURE() << "it never came to its end";
    return 0;
}

}  // namespace stowage::storage
