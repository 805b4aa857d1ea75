// FTP replies as bytes (RFC 959 §4.2).
// Runs in: front, worker. Distrusts: the text, which may hold file names and error words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// "226 text\r\n"; a text with line ends becomes a multi-line reply ("226-…", last line "226 …"), other
/// control bytes are escaped, so that nothing in it can forge a reply.
std::string reply(int code, std::string_view text);

/// "213-text": a line of a reply that goes on, and ends with reply() of the same code.
std::string reply_part(int code, std::string_view text);

/// "250 text\r\n" with a name in it that a program reads (PWD, MKD, MFMT): every byte stays, as RFC 2640
/// wants it, but for NUL, CR and LF, which become '?' as in listings.
std::string reply_with_name(int code, std::string_view text);

/// "211-first", then each line behind one blank, then "211 last" (FEAT, STAT, MLST). The lines hold names, as
/// in reply_with_name().
std::string reply_lines(int code, std::string_view first, const std::vector<std::string>& lines,
                        std::string_view last);

/// The reply code for a refusal while working on files: denied, not_found, exists 550, over_quota and
/// no_space 552, invalid 553, usage 501, unavailable and in_use 450, io 451, timeout and cancelled 426, …
int reply_code(Code code);

}  // namespace stowage::ftps
