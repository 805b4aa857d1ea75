// Times as FTP writes them, in UTC and without the C library's time zones (which live outside the lab).
// Runs in: worker. Distrusts: times of files, which peers set as they like; time arguments.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// RFC 3659 §2.3: "20261123205905". @param seconds since the epoch
std::string fact_time(std::int64_t seconds);
std::array<char, 14> fact_digits(std::int64_t seconds);
/// The same, read: YYYYMMDDHHMMSS, a fraction is ignored. Code::invalid for anything else.
Result<std::int64_t> parse_fact_time(std::string_view text);
/// As `ls -l` has it: "Nov 23 20:59", or "Nov 23  2025" when more than six months away from `now`.
std::string list_time(std::int64_t seconds, std::int64_t now);
/// "2026-11-23 20:59:05 UTC"
std::string shown_time(std::int64_t seconds);

}  // namespace stowage::ftps
