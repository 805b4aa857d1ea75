// Parsers of configuration values: text into the type of a Config field.
// Runs in: every process. Distrusts: the text.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::config_parsers {

/// Each returns what is wrong as Error{Code::config, why, remedy}, without key and value: the caller knows
/// them.
Result<bool> boolean(std::string_view text);
Result<std::uint64_t> number(std::string_view text, std::uint64_t least, std::uint64_t most);
Result<std::chrono::seconds> duration(std::string_view text, std::chrono::seconds least,
                                      std::chrono::seconds most);
Result<std::string> absolute_path(std::string_view text);
Result<std::string> path_or_empty(std::string_view text);
/// A path, or "$CREDENTIALS_DIRECTORY/NAME": a credential that systemd keeps for the service.
Result<std::string> secret_path(std::string_view text);
Result<std::string> address(std::string_view text);
Result<std::vector<std::string>> addresses(std::string_view text);
Result<std::vector<std::string>> networks(std::string_view text);
/// Networks as parse_client() takes them, comma-separated, in canonical form; no two share an address.
Result<std::vector<std::string>> clients(std::string_view text);
Result<std::string> word(std::string_view text);
Result<std::string> text_or_empty(std::string_view text);
Result<std::string> url_or_empty(std::string_view text);
Result<std::pair<std::uint16_t, std::uint16_t>> port_range(std::string_view text);

/// One IPv4 address for everybody, or `NETWORK=ADDRESS` for each network and `default=ADDRESS` for the rest;
/// the word `reached` stands for the address that the client reached. Empty: nothing.
Result<std::vector<PasvAddress>> pasv_addresses(std::string_view text);

/// What a lab may choose for itself, too.
Result<Durability> durability(std::string_view text);
Result<Resumption> resumption(std::string_view text);

/// One of a few words.
template <typename Enum>
Result<Enum> choice(std::string_view text, std::initializer_list<std::pair<std::string_view, Enum>> choices) {
    std::string all;
    for (const auto& [name, value] : choices) {
        if (name == text) return value;
        all += (all.empty() ? "" : ", ") + std::string(name);
    }
    return Error{Code::config, "is not one of the choices", "use one of: " + all};
}

/// The parts of a comma-separated list, blanks trimmed; none for an empty text.
std::vector<std::string> split(std::string_view text);

}  // namespace stowage::config_parsers
