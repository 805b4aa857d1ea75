// The names that FTPS users write, as absolute paths below the lab's root.
// Runs in: worker. Distrusts: every byte of an argument.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

inline constexpr std::size_t max_path_bytes = 4095;
inline constexpr std::size_t max_name_bytes = 255;

/// The directory at the lab's root that is ours: neither shown nor named over FTPS.
inline constexpr std::string_view reserved_name = ".stowage";

/// `argument` seen from `directory` (RFC 959 leaves the form to the server: ours is Unix's). "." and ".." are
/// resolved by their text, ".." above the root stays there. The result starts with '/' and ends without one,
/// but for the root itself. Code::invalid for NUL, CR or LF and for what the filesystem could not store.
Result<std::string> absolute_path(std::string_view directory, std::string_view argument);

/// "/a/b" -> "/a"; "/a" -> "/"; "/" -> "/".
std::string parent_of(std::string_view path);
/// "/a/b" -> "b"; "/" -> "".
std::string name_of(std::string_view path);
/// "/a" and "b" -> "/a/b".
std::string join(std::string_view directory, std::string_view name);
/// The form that the *at() calls take: "/a/b" -> "a/b"; "/" -> ".".
std::string relative(std::string_view path);

/// True for `directory` itself and all below it.
bool is_within(std::string_view path, std::string_view directory);
/// True for /.stowage and all below it.
bool is_reserved(std::string_view path);

/// True for what an unfinished upload may say that its path is, were it not written by a peer.
bool is_path_of_upload(std::string_view path);

/// With alias "/mnt/nfs": "/mnt/nfs/x" -> "/x", "/mnt/nfs" -> "/"; nothing for a path outside the alias.
std::optional<std::string> without_alias(std::string_view path, std::string_view alias);

/// RFC 959 appendix II: the path of a 257 reply, its quotes doubled.
std::string quoted(std::string_view path);

}  // namespace stowage::ftps
