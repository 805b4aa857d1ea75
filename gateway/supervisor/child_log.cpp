// Lines of children, checked and passed on.
// Runs in: supervisor. Distrusts: every byte, and how many there are.
#include "gateway/supervisor/child_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "gateway/base/journal.hpp"
#include "gateway/base/log.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds gathering{20}, few_apart{4};
constexpr int reads_in_a_row = 4;

}  // namespace

bool is_own_line(std::string_view line, std::string_view child) {
    const auto takes = [&line](std::string_view text) {
        const bool there = line.starts_with(text);
        if (there) line.remove_prefix(text.size());
        return there;
    };
    if (!std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; })) return false;
    if (line.size() < 3 || line[0] != '<' || line[1] < '3' || line[1] > '7') return false;
    line.remove_prefix(2);
    if (!takes(">process=")) return false;
    return (takes(child) || takes(child.substr(0, child.find(':')))) && line.starts_with(" event=");
}

ChildLog::ChildLog(asio::any_io_executor executor, Fd pipe, std::string child)
    : pipe_(executor, pipe.release()), child_(std::move(child)), since_(steady_clock::now()) {
    pipe_.native_non_blocking(true);
}

void ChildLog::pass_on(std::string_view line) const {
    if (line.empty()) return;
    if (!is_own_line(line, child_)) {
        log::info("child_said", {{"child", child_}, {"text", line}});
        return;
    }
    log::relay(line);
}

ChildLog::Read ChildLog::read_some() {
    std::array<char, 16384> buffer;
    const auto got = ::read(pipe_.native_handle(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return Read::some;
    if (got < 0 && errno == EAGAIN) return Read::nothing;
    if (got <= 0) return Read::end;
    said_ += static_cast<std::size_t>(got);
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
        if (c != '\n') line_ += c;
        if (c != '\n' && line_.size() < longest_line) continue;
        pass_on(line_);
        line_.clear();
    }
    return Read::some;
}

void ChildLog::catch_up() {
    if (!pipe_.is_open()) return;
    // A grandchild that never stops may have it open still.
    const auto most = said_ + burst_bytes;
    while (said_ < most && read_some() == Read::some)
        continue;
}

/// None while it has said less than it may.
milliseconds ChildLog::pause() {
    const auto passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since_);
    const auto forgiven = static_cast<std::size_t>(passed.count()) * bytes_per_second / 1000;
    said_ -= std::min(said_, forgiven);
    since_ = steady_clock::now();
    if (said_ <= burst_bytes) return milliseconds(0);
    return milliseconds(1 + (said_ - burst_bytes) * 1000 / bytes_per_second);
}

/// All that is there, but not more than others may wait for.
ChildLog::Read ChildLog::read_now() {
    auto read = Read::some;
    for (int i = 0; i < reads_in_a_row && read == Read::some; ++i)
        read = read_some();
    return read;
}

asio::awaitable<void> ChildLog::follow(std::shared_ptr<ChildLog> log) {
    asio::steady_timer timer(log->pipe_.get_executor());
    auto last = steady_clock::now() - gathering;
    for (;;) {
        boost::system::error_code failed;
        co_await log->pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, failed));
        if (failed || log->read_now() == Read::end) break;
        // A worker with many small files says a line for each: one wake-up for those of a moment. Where lines
        // are few the timer would be a second one for each.
        const bool are_many = steady_clock::now() - last < few_apart;
        if (const auto time = std::max(log->pause(), are_many ? gathering : milliseconds(0));
            time > milliseconds(0)) {
            timer.expires_after(time);
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, failed));
        }
        last = steady_clock::now();
    }
    log->pass_on(log->line_);
    log->pipe_.close();
}

}  // namespace stowage::supervisor
