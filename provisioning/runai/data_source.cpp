// NFS data sources of Run:ai as values: what we want, what is there, and where the two differ.
// Runs in: controller. Distrusts: both; what is sent is checked before, what came back is escaped when shown.
#include "provisioning/runai/data_source.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/base_url.hpp"

namespace stowage::runai {
namespace {

constexpr std::size_t max_name_bytes = 253;
constexpr std::size_t max_path_bytes = 1024;

std::string_view without_trailing_slashes(std::string_view path) {
    while (path.size() > 1 && path.back() == '/')
        path.remove_suffix(1);
    return path;
}

bool is_word(std::string_view text) {
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.') return false;
    }
    return !text.empty() && text.front() != '-' && text.front() != '.';
}

/// The API takes a project's id as an int32, though it tells it as a string.
bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
}

Error refused(std::string_view field, std::string_view value, std::string_view why, std::string remedy) {
    return {Code::invalid, fmt::format("data source: {} \"{}\" {}", field, log::escaped(value), why),
            std::move(remedy)};
}

Result<void> check_path(std::string_view field, std::string_view path) {
    if (path.empty() || path.front() != '/')
        return refused(field, path, "is not an absolute path", "begin it with '/'");
    if (path.size() > max_path_bytes) return refused(field, path, "is too long", "keep it below 1024 bytes");
    for (const char c : path)
        if (c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\')
            return refused(field, path, "holds a blank, a quote, a backslash or a byte outside ASCII",
                           "use plain characters");
    const std::string closed = std::string(path) + '/';
    if (closed.find("/../") != closed.npos || closed.find("/./") != closed.npos)
        return refused(field, path, "has a '.' or '..' component", "write the path without them");
    return {};
}

}  // namespace

std::vector<Difference> differences(const NfsDataSource& wanted, const NfsDataSource& found) {
    std::vector<Difference> out;
    compare(out, "name", wanted.name, found.name);
    compare(out, "projectId", wanted.project_id, found.project_id);
    // Whether a project's data source tells the department above it, nothing says.
    if (wanted.project_id.empty()) compare(out, "departmentId", wanted.department_id, found.department_id);
    if (!boost::algorithm::iequals(wanted.server, found.server, std::locale::classic()))
        compare(out, "server", wanted.server, found.server);
    compare(out, "path", without_trailing_slashes(wanted.path), without_trailing_slashes(found.path));
    compare(out, "mountPath", without_trailing_slashes(wanted.mount_path),
            without_trailing_slashes(found.mount_path));
    compare(out, "readOnly", wanted.read_only ? "true" : "false", found.read_only ? "true" : "false");
    return out;
}

Result<void> check(const NfsDataSource& source) {
    if (!is_word(source.name) || source.name.size() > max_name_bytes)
        return refused("name", source.name, "is not a name of a data source",
                       "use letters, digits, '-', '_' and '.', a letter or digit first");
    if (!source.project_id.empty()) {
        if (!is_number(source.project_id))
            return refused("projectId", source.project_id, "is no number", "take it from project_id()");
    } else if (!is_word(source.department_id))
        return refused("departmentId", source.department_id, "is no id", "take it from department()");
    if (!is_host(source.server))
        return refused("server", source.server, "is neither a host name nor an address",
                       "set nfs.address to what pods reach this node by");
    CHECK(check_path("path", source.path));
    CHECK(check_path("mountPath", source.mount_path));
    if (without_trailing_slashes(source.mount_path) == "/")
        return refused("mountPath", source.mount_path, "would cover the container's root",
                       "name a directory below /");
    return {};
}

std::string to_string(const std::vector<DataSourceUser>& users) {
    std::string out;
    for (const auto& user : users) {
        if (!out.empty()) out += ", ";
        out += fmt::format("{} {}", log::escaped(user.kind), log::escaped(user.name));
        if (!user.status.empty()) out += fmt::format(" ({})", log::escaped(user.status));
    }
    return out;
}

}  // namespace stowage::runai
