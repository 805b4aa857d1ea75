// Counting lines by the second.
// Runs in: every process.
#include "gateway/base/line_limit.hpp"

#include <utility>

namespace stowage::log {

std::optional<std::uint64_t> LineLimit::may_write(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        written_ = 0;
    }
    if (written_ >= lines_per_second_) {
        ++left_out_;
        return std::nullopt;
    }
    ++written_;
    return std::exchange(left_out_, 0);
}

void write_limited(LineLimit& limit, Level level, std::string_view event,
                   std::initializer_list<Field> fields) {
    const auto left_out = limit.may_write(LineLimit::Clock::now());
    if (!left_out) return;
    if (*left_out > 0) write(level, "lines_left_out", {{"of", event}, {"count", *left_out}});
    write(level, event, fields);
}

}  // namespace stowage::log
