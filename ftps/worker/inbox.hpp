// The commands that a client has sent ahead.
// Runs in: worker, on the main thread. Distrusts: how many, and how long they are.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <variant>

#include "ftps/protocol/command_line.hpp"

namespace stowage::ftps {

/// In their order, with an account of the memory that they take.
class Inbox {
  public:
    using Line = std::variant<Command, CommandReader::BadLine>;

    bool empty() const { return lines_.empty(); }
    std::size_t size() const { return lines_.size(); }
    std::size_t bytes() const { return bytes_; }
    auto begin() const { return lines_.begin(); }
    auto end() const { return lines_.end(); }

    void push(Line line) {
        bytes_ += bytes_of(line);
        lines_.push_back(std::move(line));
    }
    /// Of one that is not empty.
    Line pop() {
        auto line = std::move(lines_.front());
        lines_.pop_front();
        bytes_ -= bytes_of(line);
        return line;
    }

  private:
    static std::size_t bytes_of(const Line& line) {
        if (const auto* command = std::get_if<Command>(&line))
            return sizeof line + command->verb.size() + command->argument.size();
        return sizeof line + std::get<CommandReader::BadLine>(line).reason.size();
    }

    std::deque<Line> lines_;
    std::size_t bytes_ = 0;
};

}  // namespace stowage::ftps
