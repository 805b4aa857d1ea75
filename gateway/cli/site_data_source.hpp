// What site.yaml says about labs' data sources.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/cli/site_runai.hpp"

namespace stowage::cli {

struct SiteDataSource {
    std::optional<std::string> container_path = {};  ///< states what the gateway is configured for
    std::optional<bool> of_project = {};             ///< nothing: the file does not say
    std::string project = {};                        ///< may hold "{lab}"; empty: the lab's first

    /// What `over` leaves out is as here.
    SiteDataSource with(const SiteDataSource& over) const;
    /// The project of the lab that has the data source; empty: the department. Nothing: the file does not
    /// say. Code::config when the lab has no such project.
    Result<std::optional<std::string>> project_of(const std::string& lab,
                                                  const std::vector<std::string>& projects) const;
};

/// Refuses what the gateway does not do.
/// @param of_lab of one lab alone, which may choose its scope and nothing else
SiteDataSource read_data_source(SiteProblems& problems, const YAML::Node& node, const std::string& where,
                                bool of_lab);

}  // namespace stowage::cli
