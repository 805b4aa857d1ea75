// What children say on standard error, on its way into our log.
// Runs in: supervisor. Distrusts: children: one that was taken over must not speak for another, fill the
// disk, or keep us waiting.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/fd.hpp"

namespace stowage::supervisor {

/// Whether a line is one that this process may have in the log as it is: `<n>process=CHILD event=…`,
/// printable ASCII. A child "worker:lab1" may say "worker" too, as it does before it knows its lab.
bool is_own_line(std::string_view line, std::string_view child);

/// The reading end of a child's standard error. Lines of ours go into the log as they are, all others
/// escaped, as `event=child_said child=CHILD`. One thread.
class ChildLog : public std::enable_shared_from_this<ChildLog> {
  public:
    ChildLog(boost::asio::any_io_executor executor, Fd pipe, std::string child);

    /// Passes lines on until the last process that has the other end has closed it; not more than
    /// `bytes_per_second` of them in the long run: who says more waits.
    static boost::asio::awaitable<void> follow(std::shared_ptr<ChildLog> log);
    /// What is there now: the last words of a child that has ended, before its end is told.
    void catch_up();

    static constexpr std::size_t bytes_per_second = 1024 * 1024, burst_bytes = 2 * 1024 * 1024;
    static constexpr std::size_t longest_line = 64 * 1024;

  private:
    enum class Read { some, nothing, end };
    Read read_some();
    Read read_now();
    void pass_on(std::string_view line) const;
    std::chrono::milliseconds pause();

    boost::asio::posix::stream_descriptor pipe_;
    std::string child_;
    std::string line_;
    std::size_t said_ = 0;
    std::chrono::steady_clock::time_point since_;
};

}  // namespace stowage::supervisor
