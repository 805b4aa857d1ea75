// Where the reports of a process go: into one file of the build, opened while it can be reached.
// Later the process may have another root, no right to open anything, and a standard error that nobody reads.
//
// Runs in: the processes of a sanitizer build, before main(), uninstrumented.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdint>

namespace {

// Not where the supervisor's channel is awaited.
constexpr int above_our_own = 10;
constexpr const char* runtimes[] = {"libasan.so.8", "libubsan.so.1", "libtsan.so.2"};

using SetReportFd = void (*)(void* fd);
SetReportFd set_report_fd[3];
int findings = -1;

void report_there() {
    for (const auto set : set_report_fd)
        if (set) set(reinterpret_cast<void*>(static_cast<std::intptr_t>(findings)));
}

__attribute__((constructor)) void open_findings() {
    const int opened = ::open(STOWAGE_FINDINGS, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (opened < 0) return;  // somebody who may not: standard error it is
    findings = ::fcntl(opened, F_DUPFD_CLOEXEC, above_our_own);
    ::close(opened);
    if (findings < 0) return;
    // Each runtime that is there has a report file of its own.
    for (int i = 0; i < 3; ++i) {
        auto* const runtime = ::dlopen(runtimes[i], RTLD_NOW | RTLD_NOLOAD);
        if (!runtime) continue;
        set_report_fd[i] = reinterpret_cast<SetReportFd>(::dlsym(runtime, "__sanitizer_set_report_fd"));
        ::dlclose(runtime);
    }
    report_there();
    // The runtimes forget the file in a child.
    (void)::pthread_atfork(nullptr, nullptr, report_there);
}

}  // namespace

// Called before UBSan writes: it prepares itself at its first finding, with standard error for reports.
extern "C" void __ubsan_on_report() {
    if (findings >= 0) report_there();
}
