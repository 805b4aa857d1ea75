// The keys with which workers sign the file hashes that they keep in extended attributes.
// Runs in: supervisor.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::supervisor {

/// The one secret behind all of them: 32 bytes in `<state_dir>/file-hash.key`, made by the first start,
/// root's alone. Where it is lost, hashes are made anew by reading the files. Blocks on the disk.
Result<Secret> load_hash_secret(const std::string& state_dir);

/// A lab's own key, so that a worker can sign for its lab only: HMAC-SHA-256 of the lab's name and uid.
std::array<std::uint8_t, 32> hash_key(const Secret& secret, std::string_view lab, std::uint32_t uid);

}  // namespace stowage::supervisor
