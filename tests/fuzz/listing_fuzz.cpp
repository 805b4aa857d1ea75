// libFuzzer: any bytes as the argument of LIST, and as names, link targets, modes and times that a peer gave
// to a file: no listing has more lines than files, and no pattern takes long.
// Planted, and found within a second: CR and LF left in names (append_line_name()).
#include <fnmatch.h>

#include "ftps/worker/listing_lines.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using namespace stowage::ftps;
using fuzz::demand;

namespace {

void demand_one_line(std::string_view line) {
    demand(line.find_first_of("\r\n") == std::string_view::npos);
}

std::string c_string(std::string_view text) {
    return std::string(text.substr(0, text.find('\0')));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    const auto asked = parse_list_argument(rest);
    demand(asked.path.size() <= size && rest.ends_with(asked.path));

    Seen seen;
    seen.stat.st_mode = fuzz::take_value<std::uint32_t>(rest);
    seen.stat.st_size = fuzz::take_value<std::int64_t>(rest);
    seen.stat.st_mtime = fuzz::take_value<std::int64_t>(rest);
    seen.parent_rights = fuzz::take_value<std::uint8_t>(rest) & 7;
    const auto pattern = c_string(fuzz::take_line(rest));
    const auto split = rest.find('/');
    // As the filesystem has them: a name without '/', a target with any byte.
    seen.name = c_string(rest.substr(0, split));
    seen.link_target = split == std::string_view::npos ? "" : c_string(rest.substr(split + 1));

    std::string long_line, facts_line;
    append_list_line(long_line, seen, "lab1", 1'700'000'000);
    append_fact_line(facts_line, seen, all_facts);
    demand_one_line(long_line);
    demand_one_line(facts_line);
    // The name begins behind the first blank, whatever a link's target holds (RFC 3659 §7.2).
    demand(facts_line.substr(facts_line.find("; ") + 2) == line_name(seen.name));
    demand(line_name(seen.name).size() == seen.name.size());
    if (pattern.size() <= 255 && seen.name.size() <= 255)
        (void)::fnmatch(pattern.c_str(), seen.name.c_str(), FNM_PERIOD);
    return 0;
}
