// What CSID answers.
// Runs in: front, worker.
#pragma once

#include <string_view>

namespace stowage::ftps {

/// draft-peterson-streamlined-ftp-command-extensions §4. The server's version is nobody's business.
inline constexpr std::string_view server_facts = "Name=Stowage; CaseSensitive=1; DirSep=/;";

}  // namespace stowage::ftps
