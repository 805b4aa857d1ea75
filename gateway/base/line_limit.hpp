// So many lines of a kind a second: what strangers may cause fills neither the journal nor the pipe to it.
// Runs in: every process. Distrusts: how often it happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>

#include "gateway/base/log.hpp"

namespace stowage::log {

/// Any thread may ask.
class LineLimit {
  public:
    using Clock = std::chrono::steady_clock;

    explicit LineLimit(unsigned lines_per_second) : lines_per_second_(lines_per_second) {}

    /// How many lines were left out since the last one; nothing when this one is to be left out as well.
    std::optional<std::uint64_t> may_write(Clock::time_point now);

  private:
    const unsigned lines_per_second_;
    std::mutex mutex_;
    Clock::time_point second_{};
    unsigned written_ = 0;
    std::uint64_t left_out_ = 0;
};

/// write(), unless `limit` has had its lines of this second. The line behind those that were left out tells
/// their number, as `event=lines_left_out of=EVENT count=N`.
void write_limited(LineLimit& limit, Level level, std::string_view event,
                   std::initializer_list<Field> fields);

}  // namespace stowage::log
