// What happened lately under many names, in bounded memory.
// Runs in: supervisor. Distrusts: the names, and how many of them there are.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stowage::supervisor {

/// Per name, the times at which something happened within a window, each with a tag. Holds at most
/// `most_names` names, and of each the newest `most_each` events; when it is full, the name that was quiet
/// longest goes. A tree, not a hash table: strangers choose the names.
class RecentEvents {
  public:
    using Clock = std::chrono::steady_clock;

    RecentEvents(std::size_t most_names, std::size_t most_each, Clock::duration window)
        : most_names_(most_names), most_each_(most_each), window_(window) {}
    RecentEvents(const RecentEvents&) = delete;
    RecentEvents& operator=(const RecentEvents&) = delete;

    /// One more. Returns how many are within the window, at most `most_each`.
    std::size_t add(std::string_view name, std::size_t tag, Clock::time_point now);
    std::size_t count(std::string_view name, Clock::time_point now) const;
    bool has(std::string_view name, std::size_t tag, Clock::time_point now) const;

    void forget(std::string_view name);
    /// Only those with this tag.
    void forget(std::string_view name, std::size_t tag);
    void clear();
    std::size_t names() const { return found_.size(); }

  private:
    struct Event {
        Clock::time_point at;
        std::size_t tag;
    };
    struct Entry {
        std::string name;
        std::vector<Event> events;  // oldest first
    };
    using Entries = std::list<Entry>;

    void drop_old(Clock::time_point now);
    void remove(Entries::iterator entry);

    std::size_t most_names_, most_each_;
    Clock::duration window_;
    Entries by_age_;                                       // the name with the newest event last
    std::map<std::string_view, Entries::iterator> found_;  // keys lie in the entries
};

}  // namespace stowage::supervisor
