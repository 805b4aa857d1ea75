// How long an unfinished upload has lain idle.
// Runs in: worker, on the file threads. Distrusts: the system clock, which may jump by years; the text, which
// pods may write.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace stowage::ftps {

/// A look at two clocks: the one jumps when it is set, the other begins anew when the machine does.
struct Moment {
    std::chrono::seconds running{};  ///< since the machine was started (CLOCK_BOOTTIME)
    std::chrono::seconds wall{};     ///< since the epoch (CLOCK_REALTIME)
};
Moment look_at_clocks();

/// Grows from look to look by what both clocks say at least, so that neither a clock that jumps nor a lab
/// that moves to another machine makes it older than it is. Younger it may be: by a clock that was set back,
/// and by what the machine was off.
class IdleAge {
  public:
    explicit IdleAge(Moment since) : last_(since) {}

    void look(Moment now);
    std::chrono::seconds age() const { return age_; }

    /// "age running wall", in seconds, for parse() in another process.
    std::string text() const;
    static std::optional<IdleAge> parse(std::string_view text);

  private:
    std::chrono::seconds age_{0};
    Moment last_;
};

}  // namespace stowage::ftps
