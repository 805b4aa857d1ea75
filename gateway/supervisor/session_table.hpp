// Who is logged in.
// Runs in: supervisor. Distrusts: the front, which names the sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"

namespace stowage::supervisor {

struct LoggedIn {
    std::string user, lab, peer;
    std::chrono::system_clock::time_point since{};
};

/// Sessions by the front's number of their control connection, counted by user and lab.
class SessionTable {
  public:
    explicit SessionTable(const Config& config)
        : max_per_user_(config.ftps.max_sessions_per_user), max_per_lab_(config.ftps.max_sessions_per_lab) {}

    /// What forbids one more session, in words for the client; nothing if nothing does.
    std::optional<std::string> refusal(std::string_view user, std::string_view lab) const;

    /// False if there is such a number already.
    bool add(std::uint64_t number, LoggedIn session);
    void remove(std::uint64_t number);
    void clear();

    const LoggedIn* find(std::uint64_t number) const;
    bool contains(std::uint64_t number) const { return sessions_.contains(number); }
    std::size_t size() const { return sessions_.size(); }
    std::uint32_t of_lab(std::string_view lab) const { return count(by_lab_, lab); }
    std::vector<std::uint64_t> of_user(std::string_view user) const;
    /// The first `most` with numbers above `after`, in order.
    std::vector<std::pair<std::uint64_t, LoggedIn>> page(std::uint64_t after, std::size_t most) const;

  private:
    using Counts = std::map<std::string, std::uint32_t, std::less<>>;
    static std::uint32_t count(const Counts& counts, std::string_view name);
    static void decrement(Counts& counts, const std::string& name);

    std::uint32_t max_per_user_, max_per_lab_;
    std::map<std::uint64_t, LoggedIn> sessions_;
    Counts by_user_, by_lab_;
};

}  // namespace stowage::supervisor
