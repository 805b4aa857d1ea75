// Secrets that the gateway keeps sealed until somebody has seen them.
// Runs in: CLI. Distrusts: the answer's shape.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gateway/cli/commands.hpp"
#include "gateway/cli/secrets_file.hpp"

namespace stowage::cli {

/// A table of them, with the passwords.
void print_secrets(const Console& console, const boost::json::array& secrets);

/// Shows what waits, once, or writes it to the file, and only then tells the gateway to delete it.
/// @param email only this person's; empty: everybody's
/// @param given what the caller typed for FTPS: shown to nobody
/// @return how many there were
Result<std::size_t> hand_over_secrets(Context& context, std::optional<SecretsFile>& file,
                                      const std::string& email, const Secret& given = {});

/// Of a request that broke off: what the gateway makes after that, it keeps.
Error with_secrets_kept(Error error);

}  // namespace stowage::cli
