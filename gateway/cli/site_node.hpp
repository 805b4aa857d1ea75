// Walking YAML while collecting every problem with its line.
// Runs in: CLI. Distrusts: the file's form.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::cli {

/// What a map may hold: the keys of this version, and those that later versions will know.
struct KeySet {
    std::vector<std::string_view> known, later;

    /// What to write instead of an unknown key.
    std::string advice(std::string_view key) const;
};

class SiteProblems {
  public:
    explicit SiteProblems(std::string origin) : origin_(std::move(origin)) {}

    /// "origin:line: text" at the node's place.
    void add(const YAML::Node& at, std::string_view text);
    void add(int line, std::string_view text);
    void add(const YAML::Node& at, const std::string& where, const Error& error);
    bool any() const { return !problems_.empty(); }
    /// Code::config with all of them in the order of their lines.
    Error error() const;

    /// Calls `visit` for each known key of a map; a key that is unknown, given twice or of a later version,
    /// and a node that is no map, become problems.
    void each_key(const YAML::Node& map, const std::string& where, const KeySet& keys,
                  const std::function<void(const std::string& key, const YAML::Node& value)>& visit);
    /// Calls `visit` for each item of a list with "where[1]" and so on; anything else is a problem.
    void each_item(const YAML::Node& list, const std::string& where,
                   const std::function<void(const YAML::Node& item, const std::string& where)>& visit);
    /// The text of a plain value, or a problem.
    std::optional<std::string> scalar(const YAML::Node& node, const std::string& where);

  private:
    struct Problem {
        int line;
        std::string text;
    };
    std::string origin_;
    std::vector<Problem> problems_;
};

/// The line of a node, from 1.
int line_of(const YAML::Node& node);

}  // namespace stowage::cli
