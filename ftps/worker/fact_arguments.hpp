// The arguments of MFF, SITE CHMOD and SITE UTIME.
// Runs in: worker. Distrusts: every byte.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Octal permission bits, up to 7777. Code::usage for anything else.
Result<mode_t> parse_mode(std::string_view text);

/// What MFF is to set.
struct NewFacts {
    std::optional<std::int64_t> modified, created;
    std::optional<mode_t> mode;
};
/// "modify=20200101000000;UNIX.mode=0640;": the last of a fact counts.
Result<NewFacts> parse_new_facts(std::string_view text);

struct Utime {
    std::string path;
    std::int64_t modified = 0;
};
/// "time path", or "path accessed modified created UTC": of the three times, only the second can be set.
Result<Utime> parse_utime(const std::string& text);

}  // namespace stowage::ftps
