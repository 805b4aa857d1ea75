// Padding of columns.
// Runs in: CLI.
#include "gateway/cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace stowage::cli {

void Table::add(std::vector<Cell> row) {
    for (auto& cell : row)
        cell.text = cell.text.empty() ? "-" : shown(cell.text);
    rows_.push_back(std::move(row));
}

void Table::print(const Console& console) const {
    std::vector<std::size_t> widths;
    for (const auto& title : heading_)
        widths.push_back(width_of(title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i].text));

    const auto padded = [&](std::size_t column, const Cell& cell, bool last) {
        const std::string blanks(widths[column] - width_of(cell.text), ' ');
        const auto text = console.painted(cell.colour, cell.text);
        if (cell.right) return blanks + text;
        return last ? text : text + blanks;
    };
    const auto print_row = [&](const std::vector<Cell>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            line += (i == 0 ? "" : "  ") + padded(i, row[i], i + 1 == row.size());
        console.line(line);
    };
    std::vector<Cell> heading;
    for (std::size_t i = 0; i < heading_.size(); ++i)
        heading.push_back(
            {heading_[i], Colour::faint, !rows_.empty() && i < rows_[0].size() && rows_[0][i].right});
    print_row(heading);
    for (const auto& row : rows_)
        print_row(row);
}

void print_property(const Console& console, std::string_view label, std::string_view untrusted,
                    Colour colour) {
    if (untrusted.empty()) return;
    console.line(fmt::format("  {:<12} {}", label, console.painted(colour, shown(untrusted))));
}

}  // namespace stowage::cli
