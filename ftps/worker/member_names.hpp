// Names and link targets as archives write them, judged by their text.
// Runs in: worker. Distrusts: every byte of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace stowage::ftps {

/// Deeper than any dataset; what is made below the lab has to be walked by others afterwards.
inline constexpr std::size_t max_member_depth = 128;

/// Where a member belongs below the directory it is unpacked into: "a/b", without a leading '/' (as tar
/// leaves it out), "." and empty parts; "" is that directory itself. Nothing for what may not be: "..", CR,
/// LF (no FTP command could name it), parts of more than 255 bytes, more than `most_bytes` in all, or deeper
/// than max_member_depth.
std::optional<std::string> member_path(std::string_view name, std::size_t most_bytes);

/// True if the symbolic link at `member` (a member_path()) stays below the directory that everything is
/// unpacked into. Only a target that goes up first and then down does, and not further up than the link lies
/// deep: then it holds whatever the parts on the way down are, since every link among them stays inside as
/// well.
bool link_stays_inside(std::string_view member, std::string_view target);

/// "/up/data.tar.zst" -> "/up/data"; nothing when the name has none of the endings that archives have.
std::optional<std::string> directory_for(std::string_view archive);

}  // namespace stowage::ftps
