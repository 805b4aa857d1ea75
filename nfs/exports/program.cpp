// posix_spawn(3), a pidfd and a pipe.
// Runs in: root_step.
#include "nfs/exports/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "gateway/base/fd.hpp"

namespace stowage::nfs {

namespace {

using Clock = std::chrono::steady_clock;

struct SpawnSettings {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    explicit SpawnSettings(int error_fd) {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&files, error_fd, 2);
        // We may ignore or block signals; the program shall not.
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
};

Result<pid_t> spawn(const std::vector<std::string>& arguments, int error_fd) {
    std::vector<char*> argv;
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    char locale[] = "LC_ALL=C";
    char* environment[] = {locale, nullptr};
    const SpawnSettings settings(error_fd);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, argv[0], &settings.files, &settings.attributes, argv.data(), environment);
    if (error != 0) return system_error(error, "execute " + arguments[0]);
    return pid;
}

/// Waits for the end of the process or the deadline, and collects its words meanwhile.
bool ended_in_time(const Fd& process, const Fd& words, Clock::time_point deadline, std::string& text) {
    bool more = true;
    while (true) {
        pollfd waits[2] = {{process.get(), POLLIN, 0}, {more ? words.get() : -1, POLLIN, 0}};
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        if (::poll(waits, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
        if (waits[1].revents != 0) {
            char bytes[1024];
            const auto got = ::read(words.get(), bytes, sizeof bytes);
            more = got > 0 || (got < 0 && errno == EINTR);
            if (got > 0 && text.size() < 4096) text.append(bytes, static_cast<std::size_t>(got));
        } else if (waits[0].revents != 0) {
            return true;
        }
    }
}

}  // namespace

Result<ProgramEnd> run_program(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return system_error(errno, "pipe");
    Fd words(pipe_ends[0]), error_end(pipe_ends[1]);
    TRY(const auto pid, spawn(arguments, error_end.get()));
    error_end.reset();
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ProgramEnd end;
    const bool in_time = ended_in_time(process, words, Clock::now() + limit, end.error_text);
    if (!in_time) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return Error{Code::timeout,
                     arguments[0] + " did not end within " + std::to_string(limit.count()) + " ms"};
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    while (!end.error_text.empty() && end.error_text.back() == '\n')
        end.error_text.pop_back();
    return end;
}

}  // namespace stowage::nfs
