// What the sanitizers are told: rigs and the supervisor start processes with an environment of their own,
// which holds no ASAN_OPTIONS. Who sets these variables all the same has the last word.
//
// Runs in: every program of a sanitizer build, before anything else, uninstrumented.

extern "C" {

// A process in a lab or in the empty root cannot look up symbols: tests/sanitizers/findings does it for them.
const char* __asan_default_options() {
    return "exitcode=86:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1";
}

const char* __ubsan_default_options() {
    return "exitcode=86:halt_on_error=1:print_stacktrace=1";
}

// A race is reported and the process goes on, so that one run finds many; what is reported fails the run.
const char* __tsan_default_options() {
    return "exitcode=86:halt_on_error=0:second_deadlock_stack=1:history_size=4";
}
}
