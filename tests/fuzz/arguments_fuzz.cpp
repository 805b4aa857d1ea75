// libFuzzer: any bytes as arguments of commands: words, quotes, numbers, ranges, paths, and what peers may
// have written as the path of an unfinished upload.
// Planted, and found within a second: `..` taken for a name (absolute_path()).
#include "ftps/protocol/ascii_case.hpp"
#include "ftps/worker/byte_range.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/member_names.hpp"
#include "ftps/worker/paths.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using namespace stowage::ftps;
using fuzz::demand;

namespace {

void demand_clean_path(const std::string& path) {
    demand(path.starts_with('/') && path.size() <= max_path_bytes);
    demand(path == "/" || !path.ends_with('/'));
    demand((path + "/").find("/../") == std::string::npos && (path + "/").find("/./") == std::string::npos);
    demand(path.find("//") == std::string::npos);
    demand(join(parent_of(path), name_of(path)) == path);
    demand(name_of(path).size() <= max_name_bytes);
}

void paths(std::string_view directory, std::string_view argument) {
    const auto base = absolute_path("/", directory);
    if (!base) return;
    demand_clean_path(*base);
    const auto path = absolute_path(*base, argument);
    if (!path) return;
    demand_clean_path(*path);
    demand(path->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
    demand(absolute_path("/", *path).value() == *path);
    // A form that leads to our own directory is never missed.
    demand(is_reserved(*path) == (*path == "/.stowage" || path->starts_with("/.stowage/")));
    if (const auto plain = without_alias(*path, *base)) demand_clean_path(*plain);
    const auto again = quoted_words(quoted(*path), 1);
    demand(again && again->size() == 1 && again->front() == *path);
    (void)directory_for(*path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    auto rest = text;
    const auto first = fuzz::take_line(rest);
    paths(first, rest);
    paths("/", text);

    if (const auto words = quoted_words(text, 3)) demand(words->size() <= 3);
    const auto [head, tail] = split_word(text);
    demand(head.find(' ') == std::string::npos && head.size() + tail.size() <= size);
    demand(upper(text).size() == size);
    if (const auto offset = parse_offset(text)) demand(*offset <= INT64_MAX);
    if (const auto range = parse_byte_range(text)) demand(range->begin < range->end);
    const auto named = parse_named_range("XSHA256", text);
    if (named && named->range) demand(named->range->begin < named->range->end);
    if (is_path_of_upload(text)) demand(!is_reserved(text) && name_of(text).find('\n') == std::string::npos);
    return 0;
}
