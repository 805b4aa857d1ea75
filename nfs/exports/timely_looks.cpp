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

constexpr std::size_t most_at_once = 64;

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
    Looker looker{which, -1, Fd(ends[0])};
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

}  // namespace

std::vector<Result<void>> look_in_time(std::size_t count,
                                       const std::function<Result<void>(std::size_t)>& look,
                                       std::chrono::milliseconds limit) {
    const Error silent{Code::timeout,
                       fmt::format("its filesystem did not answer within {} ms", limit.count()),
                       "look whether its disk or its servers are there; the next pass tries again"};
    std::vector<Result<void>> seen(count, silent);
    std::vector<Looker> lookers;
    const auto deadline = Clock::now() + limit;
    for (std::size_t next = 0; (next < count || !lookers.empty()) && Clock::now() < deadline;) {
        while (next < count && lookers.size() < most_at_once) {
            auto looker = start(next, look);
            if (looker)
                lookers.push_back(std::move(*looker));
            else
                seen[next] = looker.error();
            ++next;
        }
        if (!lookers.empty()) wait_for(lookers, deadline, seen);
    }
    for (const auto& looker : lookers)
        ::kill(looker.pid, SIGKILL);
    for (const auto& looker : lookers)
        ::waitpid(looker.pid, nullptr, WNOHANG);
    return seen;
}

}  // namespace stowage::nfs
