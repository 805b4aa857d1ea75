// A fault on purpose, in a process that has given away what a worker gives away.
// Runs in: the test findings_are_kept.py.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "ftps/worker/system_calls.hpp"
#include "gateway/base/privileges.hpp"

namespace {

using namespace stowage;

constexpr int nobody = 65534;

void read_freed_memory() {
    auto* volatile text = static_cast<char*>(std::malloc(8));
    text[0] = 'x';
    std::free(text);
    std::printf("%c", text[0]);
}

void overflow_a_number() {
    volatile int number = INT_MAX;
    number = number + 1;
}

int shared = 0;

void race() {
    std::thread other([] { ++shared; });
    ++shared;
    other.join();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    privileges::harden();
    or_throw(privileges::enter_root(argv[2]));
    or_throw(privileges::become(nobody, nobody));
    or_throw(privileges::allow_only(ftps::system_calls()));
    const std::string_view fault = argv[1];
    if (fault == "address") read_freed_memory();
    if (fault == "undefined") overflow_a_number();
    if (fault == "thread") race();
    std::_Exit(0);
}
