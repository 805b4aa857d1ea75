// How large the CAs of a lab's clients may be.
// Runs in: CLI, which reads the file; controller, which keeps the CAs; supervisor, which is told them.
#pragma once

#include <cstddef>

namespace stowage {

/// Of the PEM that is kept. Mozilla's whole list of CAs is larger; a lab's own are a few KiB.
inline constexpr std::size_t most_client_ca_bytes = 128 * 1024;
/// Of all labs together: the supervisor keeps them in memory.
inline constexpr std::size_t most_client_ca_bytes_in_all = 64 << 20;
/// Of the file that it is taken from: comments in it are not kept.
inline constexpr std::size_t most_client_ca_file_bytes = 2 * most_client_ca_bytes;

}  // namespace stowage
