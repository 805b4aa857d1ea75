// Where the reports of a process go: into one file of the build, opened while it can be reached.
// Later the process may have another root, no right to open anything, and a standard error that nobody reads.
//
// Runs in: the processes of a sanitizer build, before main(), uninstrumented.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <initializer_list>

namespace {

// Not where the supervisor's channel is awaited.
constexpr int above_our_own = 10;

using SetReportFd = void (*)(void* fd);
int findings = -1;
char program[4096];
SetReportFd set_of_ours = nullptr, set_of_ubsan = nullptr;

/// A descriptor of its own for each: UBSan, as it prepares itself, closes that of ASan.
void report_there(SetReportFd set) {
    if (!set || findings < 0) return;
    const int own = ::fcntl(findings, F_DUPFD_CLOEXEC, above_our_own);
    set(reinterpret_cast<void*>(static_cast<std::intptr_t>(own)));
}

/// Each runtime has a report file of its own. Null for one that this program is not linked with.
SetReportFd find_set(const char* runtime) {
    auto* const library = ::dlopen(runtime, RTLD_NOW | RTLD_NOLOAD);
    if (!library) return nullptr;
    const auto found = reinterpret_cast<SetReportFd>(::dlsym(library, "__sanitizer_set_report_fd"));
    ::dlclose(library);  // it stays: the program is linked with it
    return found;
}

__attribute__((constructor)) void open_findings() {
    const int opened = ::open(STOWAGE_FINDINGS, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (opened < 0) return;  // somebody who may not: standard error it is
    findings = ::fcntl(opened, F_DUPFD_CLOEXEC, above_our_own);
    ::close(opened);
    (void)!::readlink("/proc/self/exe", program, sizeof program - 1);
    for (const auto* runtime : {"libasan.so.8", "libtsan.so.2"})
        if (const auto set = find_set(runtime)) set_of_ours = set;
    set_of_ubsan = find_set("libubsan.so.1");
    report_there(set_of_ours);
    // A runtime forgets the file in a child.
    (void)::pthread_atfork(nullptr, nullptr, [] { report_there(set_of_ours); });
}

}  // namespace

// UBSan calls it before it writes. Earlier is too early: it prepares itself at its first finding, and takes
// what it cannot look up in another root for /proc/self/exe.
extern "C" void __ubsan_on_report() {
    report_there(set_of_ubsan);
    if (findings >= 0) ::dprintf(findings, "/proc/self/exe: %s\n", program);
}

// Most processes end by _exit(2), where nobody looks for leaks, and what the others have not freed goes with
// them. Besides, root_step's tests hold it by ptrace(2), as the search for leaks would have to.
extern "C" int __lsan_is_turned_off() {
    return 1;
}
