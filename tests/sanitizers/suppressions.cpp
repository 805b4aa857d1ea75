// Reports that are not faults of ours, each with the reason. A line goes when its reason has gone. None so
// far. Runs in: every program of a sanitizer build, uninstrumented.

extern "C" {

// https://github.com/google/sanitizers/wiki/ThreadSanitizerSuppressions
const char* __tsan_default_suppressions() {
    return "";
}
}
