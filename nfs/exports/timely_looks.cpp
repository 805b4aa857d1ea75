// fork(2), and a pipe to each.
// Runs in: the Ganesha launcher, root_step.
#include "nfs/exports/timely_looks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gateway/base/fd.hpp"

namespace stowage::nfs {

namespace {

using Clock = std::chrono::steady_clock;

/// So many at once, so that a node with a thousand labs is not all lookers.
constexpr std::size_t most_at_once = 64;
/// Of the limit: a looker that waits for longer leaves its place to the next one, and is heard all the same.
/// Labs on one disk are silent together, and those on others stand behind them.
constexpr int places_given_in_turn = 50;

/// What goes through the pipe: whole at once, for it is smaller than PIPE_BUF.
struct Answer {
    bool ok = false;
    Code code = Code::internal;
    char what[1000] = {}, remedy[1000] = {};
};

struct Looker {
    std::size_t which = 0;
    pid_t pid = -1;
    Fd answer;
    Clock::time_point place_until = {};
};

void put(char (&field)[1000], const std::string& text) {
    text.copy(field, sizeof field - 1);
}

[[noreturn]] void answer(int pipe, const Result<void>& seen) {
    Answer words;
    words.ok = seen.has_value();
    if (!seen) {
        words.code = seen.error().code;
        put(words.what, seen.error().what);
        put(words.remedy, seen.error().remedy);
    }
    (void)!::write(pipe, &words, sizeof words);
    ::_exit(0);
}

Result<Looker> start(std::size_t which, const std::function<Result<void>(std::size_t)>& look) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "pipe2");
    Looker looker{which, -1, Fd(ends[0]), {}};
    const Fd theirs(ends[1]);
    looker.pid = ::fork();
    if (looker.pid < 0) return system_error(errno, "fork");
    if (looker.pid == 0) {
        // It may hang for long: with the lock or the supervisor's channel, so would whoever waits for those.
        ::dup2(theirs.get(), STDIN_FILENO);
        ::close_range(STDIN_FILENO + 1, ~0U, 0);
        answer(STDIN_FILENO, look(which));
    }
    return looker;
}

Result<void> answer_of(const Looker& looker) {
    Answer words;
    if (::read(looker.answer.get(), &words, sizeof words) != static_cast<ssize_t>(sizeof words))
        return Error{Code::internal, "whoever looked at it ended without a word"};
    if (words.ok) return {};
    return Error{words.code, words.what, words.remedy};
}

/// Those with something to say, until `deadline` at the latest.
void wait_for(std::vector<Looker>& lookers, Clock::time_point deadline, std::vector<Result<void>>& seen) {
    std::vector<pollfd> waits;
    for (const auto& looker : lookers)
        waits.push_back({looker.answer.get(), POLLIN, 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (::poll(waits.data(), waits.size(), static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) return;
    for (std::size_t i = lookers.size(); i-- > 0;) {
        if (waits[i].revents == 0) continue;
        seen[lookers[i].which] = answer_of(lookers[i]);
        ::waitpid(lookers[i].pid, nullptr, 0);
        lookers.erase(lookers.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

/// Looks at `count` things, one after the other as places get free.
class Lookers {
  public:
    Lookers(std::size_t count, std::chrono::milliseconds limit)
        : count_(count), patience_(std::max(limit / places_given_in_turn, std::chrono::milliseconds(1))) {}

    bool any_left() const { return next_ < count_ || !under_way_.empty(); }

    void begin(const std::function<Result<void>(std::size_t)>& look, std::vector<Result<void>>& seen) {
        wake_ = Clock::now() + patience_;
        while (next_ < count_ && places_taken() < most_at_once) {
            auto looker = start(next_, look);
            if (!looker && !under_way_.empty())
                return;  // no descriptor or process is left: others give theirs
            if (looker) {
                looker->place_until = Clock::now() + patience_;
                under_way_.push_back(std::move(*looker));
            } else {
                seen[next_] = looker.error();
            }
            ++next_;
        }
    }

    void wait(Clock::time_point deadline, std::vector<Result<void>>& seen) {
        if (!under_way_.empty())
            wait_for(under_way_, next_ < count_ ? std::min(wake_, deadline) : deadline, seen);
    }

    /// Those that were not begun say so; the others are silent.
    void end(std::chrono::milliseconds limit, std::vector<Result<void>>& seen) {
        for (; next_ < count_; ++next_)
            seen[next_] = Error{
                Code::timeout,
                fmt::format("too many others were silent for it to be looked at within {} ms", limit.count()),
                "look whether their disks or servers are there; the next pass tries again"};
        for (const auto& looker : under_way_)
            ::kill(looker.pid, SIGKILL);
        for (const auto& looker : under_way_)
            ::waitpid(looker.pid, nullptr, WNOHANG);
    }

  private:
    std::size_t places_taken() const {
        const auto now = Clock::now();
        return static_cast<std::size_t>(
            std::count_if(under_way_.begin(), under_way_.end(),
                          [&](const Looker& looker) { return looker.place_until > now; }));
    }

    std::size_t count_, next_ = 0;
    std::chrono::milliseconds patience_;
    Clock::time_point wake_ = {};
    std::vector<Looker> under_way_;
};

}  // namespace

std::vector<Result<void>> look_in_time(std::size_t count,
                                       const std::function<Result<void>(std::size_t)>& look,
                                       std::chrono::milliseconds limit) {
    const Error silent{Code::timeout,
                       fmt::format("its filesystem did not answer within {} ms", limit.count()),
                       "look whether its disk or its servers are there; the next pass tries again"};
    std::vector<Result<void>> seen(count, silent);
    Lookers lookers(count, limit);
    const auto deadline = Clock::now() + limit;
    while (lookers.any_left() && Clock::now() < deadline) {
        lookers.begin(look, seen);
        lookers.wait(deadline, seen);
    }
    lookers.end(limit, seen);
    return seen;
}

}  // namespace stowage::nfs
