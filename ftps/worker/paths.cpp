// Paths by their text alone; what the filesystem makes of them is lab_files.
// Runs in: worker.
#include "ftps/worker/paths.hpp"

#include <vector>

namespace stowage::ftps {

namespace {

Error bad_path(std::string_view argument, std::string_view why, std::string remedy) {
    return {Code::invalid, std::string(argument.substr(0, 120)) + ": " + std::string(why), std::move(remedy)};
}

}  // namespace

Result<std::string> absolute_path(std::string_view directory, std::string_view argument) {
    if (argument.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return bad_path(argument, "a name cannot hold NUL, CR or LF", "choose another name");
    std::string whole;
    if (!argument.starts_with('/')) whole.append(directory).append("/");
    whole += argument;

    std::vector<std::string_view> parts;
    std::string_view rest = whole;
    while (!rest.empty()) {
        const auto end = rest.find('/');
        const auto part = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
            continue;
        }
        if (part.size() > max_name_bytes)
            return bad_path(part, "this name is longer than 255 bytes", "choose a shorter one");
        parts.push_back(part);
    }
    std::string path;
    for (const auto part : parts)
        path.append("/").append(part);
    if (path.size() > max_path_bytes)
        return bad_path(path, "this path is longer than 4095 bytes",
                        "give a directory on the way a shorter name");
    return path.empty() ? "/" : path;
}

std::string parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return std::string(slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash));
}

std::string name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string join(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.ends_with('/')) path += '/';
    return path.append(name);
}

std::string relative(std::string_view path) {
    return path.size() <= 1 ? "." : std::string(path.substr(1));
}

bool is_within(std::string_view path, std::string_view directory) {
    if (directory == "/") return true;
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool is_reserved(std::string_view path) {
    return is_within(path, "/.stowage");
}

bool is_path_of_upload(std::string_view path) {
    if (!path.starts_with('/') || path == "/" || path.find('\0') != std::string_view::npos) return false;
    // A directory on the way may have a name with CR or LF, by a peer; an upload's own name never has.
    const auto whole = absolute_path(path, "."), name = absolute_path("/", name_of(path));
    return whole && name && *whole == path && !is_reserved(path);
}

std::optional<std::string> without_alias(std::string_view path, std::string_view alias) {
    if (alias.size() < 2 || !is_within(path, alias)) return {};
    const auto rest = path.substr(alias.size());
    return rest.empty() ? "/" : std::string(rest);
}

std::string quoted(std::string_view path) {
    std::string text = "\"";
    for (const char c : path) {
        if (c == '"') text += '"';
        text += c;
    }
    return text += '"';
}

}  // namespace stowage::ftps
