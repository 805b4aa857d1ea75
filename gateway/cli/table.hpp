// Columns for people.
// Runs in: CLI.
#pragma once

#include <string>
#include <vector>

#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// One field of a table; the text is escaped when it is printed.
struct Cell {
    std::string text;
    Colour colour = Colour::plain;
    bool right = false;  ///< numbers
};

/// Rows under a faint heading, each column as wide as its widest cell, two blanks in between.
class Table {
  public:
    explicit Table(std::vector<std::string> heading) : heading_(std::move(heading)) {}
    void add(std::vector<Cell> row);
    void print(const Console& console) const;

  private:
    std::vector<std::string> heading_;
    std::vector<std::vector<Cell>> rows_;
};

/// "  label        text" lines of one thing's properties; nothing for an empty text.
void print_property(const Console& console, std::string_view label, std::string_view untrusted,
                    Colour colour = Colour::plain);

}  // namespace stowage::cli
