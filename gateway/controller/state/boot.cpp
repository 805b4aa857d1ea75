// boot_id and CLOCK_BOOTTIME.
// Runs in: controller.
#include "gateway/controller/state/boot.hpp"

#include <time.h>

#include "gateway/base/atomic_file.hpp"

namespace stowage::controller {

std::string boot_id() {
    auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
    if (!text) return {};
    while (!text->empty() && text->back() == '\n')
        text->pop_back();
    return *text;
}

std::int64_t uptime_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}

}  // namespace stowage::controller
