// stowage.yaml into ConfigValues, through yaml-cpp.
// Runs in: supervisor, CLI. Distrusts: the file's form; its owner was checked before.
#include "gateway/base/config_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/yaml_problem.hpp"

namespace stowage {

namespace {

struct Reader {
    const std::string& path;
    ConfigValues values = {};
    std::vector<std::string> problems = {};

    std::string at(const YAML::Node& node) const { return fmt::format("{}:{}", path, node.Mark().line + 1); }

    void put(const std::string& key, const YAML::Node& node, std::string text) {
        if (values.contains(key))
            problems.push_back(fmt::format("{}: {} is given twice; keep one", at(node), log::escaped(key)));
        if (text.find('\n') != std::string::npos)
            problems.push_back(
                fmt::format("{}: {} has a line end in its value; remove it", at(node), log::escaped(key)));
        values[key] = {std::move(text), at(node)};
    }

    void read_sequence(const std::string& key, const YAML::Node& node) {
        std::string joined;
        for (const auto& item : node) {
            if (!item.IsScalar()) {
                problems.push_back(
                    fmt::format("{}: {} is not a plain value; lists hold plain values", at(item), key));
                continue;
            }
            joined += (joined.empty() ? "" : ",") + item.Scalar();
        }
        put(key, node, joined);
    }

    /// The value of a key that takes a map (`{10.8.0.0/16: 10.8.0.1, default: …}`): "name=value,…".
    void read_pairs(const std::string& key, const YAML::Node& node) {
        std::string joined;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
                problems.push_back(
                    fmt::format("{}: {} holds something else than plain values", at(entry.second), key));
                continue;
            }
            joined += (joined.empty() ? "" : ",") + entry.first.Scalar() + "=" + entry.second.Scalar();
        }
        put(key, node, joined);
    }

    static bool is_key(std::string_view name) {
        const auto& keys = config_keys();
        return std::any_of(keys.begin(), keys.end(),
                           [name](const ConfigKey& key) { return key.key == name; });
    }

    static bool is_section(std::string_view name) {
        const auto& keys = config_keys();
        const auto prefix = std::string(name) + ".";
        return !is_key(name) && std::any_of(keys.begin(), keys.end(), [&](const ConfigKey& key) {
            return key.key.starts_with(prefix);
        });
    }

    void read_map(const std::string& prefix, const YAML::Node& node, int depth) {
        for (const auto& entry : node) {
            const auto key = prefix + (entry.first.IsScalar() ? entry.first.Scalar() : std::string("?"));
            const auto& value = entry.second;
            if (value.IsMap() && is_key(key))
                read_pairs(key, value);
            else if (value.IsMap() && depth < 4)
                read_map(key + ".", value, depth + 1);
            else if (value.IsSequence() && is_section(key))
                problems.push_back(
                    fmt::format("{}: {} is a section, which holds keys and is no list; write them "
                                "without the dashes, indented by two blanks",
                                at(value), key));
            else if (value.IsNull() && is_section(key))
                continue;  // its keys are all commented out
            else if (value.IsSequence())
                read_sequence(key, value);
            else if (value.IsScalar() || value.IsNull())
                put(key, value, value.IsNull() ? "" : value.Scalar());
            else
                problems.push_back(fmt::format("{}: {} is nested too deeply", at(value), log::escaped(key)));
        }
    }
};

Result<void> check_owner(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        auto error = system_error(errno, "configuration " + path);
        error.remedy = "create it, or leave --config away for the built-in defaults";
        return error;
    }
    const bool ours = info.st_uid == 0 || info.st_uid == ::geteuid();
    if (!ours || (info.st_mode & S_IWOTH) || ((info.st_mode & S_IWGRP) && info.st_gid != 0))
        return Error{Code::config, path + " may be changed by others than root",
                     "chown root: and chmod 0644 it"};
    return {};
}

}  // namespace

Result<ConfigValues> read_config_file(const std::string& path) {
    CHECK(check_owner(path));
    TRY(const auto text, read_file(path));
    Reader reader{path};
    try {
        YAML::Node root;
        CHECK(load_yaml(path, text, root));
        if (!root.IsMap() && !root.IsNull()) return Error{Code::config, path + ":1: is not a map of keys"};
        if (root.IsMap()) reader.read_map("", root, 0);
    } catch (const YAML::Exception& problem) {
        return yaml_problem(path, problem, text);
    }
    // parse_config refuses unknown keys; their line stands in ConfigValue::origin.
    if (!reader.problems.empty())
        return Error{Code::config, fmt::format("{}", fmt::join(reader.problems, "\n"))};
    return std::move(reader.values);
}

std::string published_config(const std::string& run_dir) {
    return run_dir + "/configuration";
}

Result<ConfigValues> read_published_config(const std::string& run_dir) {
    const auto path = published_config(run_dir);
    CHECK(check_owner(path));
    TRY(const auto text, read_file(path));
    TRY(auto values, values_from_text(text));
    for (auto& [key, value] : values)
        value.origin = path;
    return values;
}

Result<ConfigValues> parse_settings(const std::vector<std::string>& settings) {
    ConfigValues values;
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos || equals == 0)
            return Error{Code::usage, fmt::format("--set \"{}\" is not KEY=VALUE", log::escaped(setting)),
                         "for example --set ftps.port=2121"};
        if (setting.find('\n') != std::string::npos)
            return Error{Code::usage, fmt::format("--set \"{}\" has a line end in it", log::escaped(setting)),
                         "remove it"};
        values[setting.substr(0, equals)] = {setting.substr(equals + 1), "--set"};
    }
    return values;
}

}  // namespace stowage
