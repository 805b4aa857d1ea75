// Reports that are not faults of ours, each with the reason. A line goes when its reason has gone.
// Runs in: every program of a sanitizer build, uninstrumented.

extern "C" {

// libnfs 4.0.0 of Debian 12 makes a client's name for NFSv4 and does not free it with the context.
const char* __lsan_default_suppressions() {
    return "leak:nfs4_set_client_name\n";
}

// https://github.com/google/sanitizers/wiki/ThreadSanitizerSuppressions
const char* __tsan_default_suppressions() {
    return "";
}
}
