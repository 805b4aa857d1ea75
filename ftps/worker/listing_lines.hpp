// One directory entry as LIST, NLST and MLSD write it.
// Runs in: worker. Distrusts: names, link targets and times, which any pod may have made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ftps/worker/lab_view.hpp"

namespace stowage::ftps {

/// Facts that a client may choose by OPTS MLST (RFC 3659 §7.5).
enum class Fact : unsigned { type = 1, size = 2, modify = 4, perm = 8, unique = 16, mode = 32, create = 64 };
inline constexpr unsigned all_facts = 127;
/// `create` costs a listing an open(2) for each name: only who asks for it gets it.
inline constexpr unsigned default_facts = all_facts & ~static_cast<unsigned>(Fact::create);

/// A name on a line of its own, for programs: CR and LF, which would forge a line, become '?', all else
/// stays.
std::string line_name(std::string_view name);
/// The same, put behind `line`. Directories have a hundred thousand names: lines are made in place.
void append_line_name(std::string& line, std::string_view name);
/// As `ls -l` has it, without line end. @param owner the lab's name, shown as user and group
/// @param now seconds since the epoch, for the form of the time
void append_list_line(std::string& line, const Seen& seen, std::string_view owner, std::int64_t now);

/// "type=file;size=3;…; name" (RFC 3659 §7.2), without line end.
/// @param chosen set of Fact
void append_fact_line(std::string& line, const Seen& seen, unsigned chosen);
/// The facts alone, as append_fact_line() has them in front of the name.
std::string facts(const Seen& seen, unsigned chosen);

/// "type*;size*;modify;": FEAT's list with the chosen ones starred (RFC 3659 §7.8).
std::string fact_names(unsigned chosen, bool starred);
/// OPTS MLST's argument; unknown facts are left out, as the RFC demands.
unsigned parse_facts(std::string_view text);

/// What LIST was asked for: flags as of ls(1) are taken off ("-al dir" is "dir", "-- -x" is "-x"). -R and -d
/// are obeyed; the others make no difference here, for every name is shown, and in no order. A word with
/// anything but ls's letters is a path.
struct ListArgument {
    bool recursive = false;  ///< -R
    bool itself = false;     ///< -d: a directory, not what is in it
    std::string path = {};
};
ListArgument parse_list_argument(std::string_view argument);

}  // namespace stowage::ftps
