// Parts of names, and how far up they lead.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/member_names.hpp"

#include <algorithm>
#include <array>

#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

/// Takes the next part off `rest`; "" for a slash too many.
std::string_view next_part(std::string_view& rest) {
    const auto end = rest.find('/');
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
}

constexpr std::array<std::string_view, 8> endings = {".tar.gz", ".tar.zst", ".tar.zstd", ".tgz",
                                                     ".tzst",   ".tar",     ".zip",      ".ZIP"};

}  // namespace

std::optional<std::string> member_path(std::string_view name, std::size_t most_bytes) {
    if (name.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) return {};
    std::string path;
    std::size_t depth = 0;
    while (!name.empty()) {
        const auto part = next_part(name);
        if (part.empty() || part == ".") continue;
        if (part == ".." || part.size() > max_name_bytes || ++depth > max_member_depth) return {};
        if (!path.empty()) path += '/';
        path += part;
        if (path.size() > most_bytes) return {};
    }
    return path;
}

bool link_stays_inside(std::string_view member, std::string_view target) {
    if (target.empty() || target.front() == '/' || target.size() > max_path_bytes) return false;
    auto above = std::count(member.begin(), member.end(), '/');
    for (bool down = false; !target.empty();) {
        const auto part = next_part(target);
        if (part.empty() || part == ".") continue;
        if (part != "..")
            down = true;
        else if (down || --above < 0)
            return false;
    }
    return true;
}

std::optional<std::string> directory_for(std::string_view archive) {
    for (const auto ending : endings) {
        if (!archive.ends_with(ending)) continue;
        const auto path = archive.substr(0, archive.size() - ending.size());
        if (path.empty() || path.ends_with('/')) return {};
        return std::string(path);
    }
    return {};
}

}  // namespace stowage::ftps
