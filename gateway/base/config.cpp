// Checking a whole configuration, and handing it on as a sealed memfd.
// Runs in: every process. Distrusts: every value.
#include "gateway/base/config.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/config_table.hpp"
#include "gateway/base/nearest.hpp"

namespace stowage {

namespace {

std::string what_was_meant(std::string_view unknown) {
    std::vector<std::string_view> names;
    for (const auto& key : config_keys())
        names.push_back(key.key);
    const auto closest = resembling(unknown, names);
    return closest.empty() ? "see `stowage config reference`" : fmt::format("did you mean {}?", closest);
}

std::string problem(const std::string& origin, std::string_view key, std::string_view value,
                    const Error& error) {
    return fmt::format("{}: {}: \"{}\" {}", origin, key, log::escaped(value), error.text());
}

void check_together(const Config& config, std::vector<std::string>& problems) {
    if (config.labs.uid_min > config.labs.uid_max)
        problems.push_back("labs.uid_min is above labs.uid_max; swap them");
    if (config.ftps.certificate.empty() != config.ftps.private_key.empty())
        problems.push_back("ftps.certificate and ftps.private_key belong together; give both or none");
    if (config.ftps.implicit_port == config.ftps.port)
        problems.push_back(
            "ftps.port and ftps.implicit_port are the same; give another, or 0 for no implicit TLS");
    const auto inside = [&](std::uint16_t port) {
        return port >= config.ftps.passive_port_min && port <= config.ftps.passive_port_max;
    };
    if (inside(config.ftps.port) || (config.ftps.implicit_port && inside(config.ftps.implicit_port)) ||
        inside(config.nfs.port))
        problems.push_back(
            "ftps.passive_ports contains ftps.port, ftps.implicit_port or nfs.port; move the range");
    if (!config.runai.url.empty() &&
        (config.runai.client_id.empty() || config.runai.client_secret_file.empty()))
        problems.push_back(
            "runai.url is set, but runai.client_id or runai.client_secret_file is not; give both");
}

}  // namespace

std::string_view to_string(Durability durability) {
    return durability == Durability::full ? "full" : "none";
}

std::string_view to_string(Resumption resumption) {
    return resumption == Resumption::required ? "required" : "optional";
}

const std::vector<ConfigKey>& config_keys() {
    static const auto keys = [] {
        std::vector<ConfigKey> all;
        for (const auto& row : config_table())
            all.push_back(row.key);
        return all;
    }();
    return keys;
}

Result<Config> parse_config(const ConfigValues& values) {
    Config config;
    std::vector<std::string> problems;
    for (const auto& row : config_table()) {
        const auto given = values.find(row.key.key);
        const std::string_view text = given == values.end() ? row.key.default_text : given->second.text;
        if (auto set = row.set(config, text); !set)
            problems.push_back(problem(given == values.end() ? "default" : given->second.origin, row.key.key,
                                       text, set.error()));
    }
    for (const auto& [key, value] : values) {
        const auto& keys = config_keys();
        if (std::none_of(keys.begin(), keys.end(), [&](const ConfigKey& k) { return k.key == key; }))
            problems.push_back(
                fmt::format("{}: {}: unknown key; {}", value.origin, log::escaped(key), what_was_meant(key)));
    }
    if (problems.empty()) check_together(config, problems);
    if (problems.empty()) return config;
    return Error{Code::config, fmt::format("{}", fmt::join(problems, "\n"))};
}

std::string to_text(const ConfigValues& values) {
    std::string text;
    for (const auto& [key, value] : values)
        text += key + "=" + value.text + "\n";
    return text;
}

Result<ConfigValues> values_from_text(std::string_view text) {
    ConfigValues values;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        const auto equals = line.find('=');
        if (end == std::string_view::npos || equals == std::string_view::npos)
            return Error{Code::config, "a configuration line without = or line end"};
        values[std::string(line.substr(0, equals))] = {std::string(line.substr(equals + 1)), "configuration"};
        text.remove_prefix(end + 1);
    }
    return values;
}

Result<Fd> seal(std::string_view name, std::string_view text) {
    Fd fd(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return system_error(errno, "memfd_create");
    while (!text.empty()) {
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0) return system_error(errno, "write to a memfd");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return system_error(errno, "seal a memfd");
    return fd;
}

Result<std::string> read_sealed(const Fd& fd) {
    std::string text;
    char buffer[16384];
    for (;;) {
        // pread: the descriptor's offset is shared with every process that was given the same memfd.
        const auto got = ::pread(fd.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
        if (got < 0) return system_error(errno, "read a memfd");
        if (got == 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > (1 << 20)) return Error{Code::invalid, "a sealed text of more than 1 MiB"};
    }
    explicit_bzero(buffer, sizeof buffer);
    return text;
}

}  // namespace stowage
